#include "tern/limits.h"

#include <algorithm>

#include "base/check.h"
#include "base/result.h"
#include "limits/compute_peak.h"
#include "limits/interrupt.h"
#include "limits/measure.h"
#include "limits/read_bandwidth.h"
#include "limits/timed_rounds.h"
#include "tern/cpu.h"
#include "threading/engine_impl.h"
#include "threading/topology.h"

namespace tern {
namespace limits {
namespace {

constexpr double kGiga = 1e9;

/// All workers, each on a core of its own where there are exactly as many. Otherwise the system
/// knows better which cores to use.
Crew crew_of(const WorkerPool& pool) {
  std::vector<int> cpus = core_leaders("/sys", usable_cpus("/sys"));
  if (pool.size() == 1 || cpus.size() != static_cast<size_t>(pool.size())) cpus.clear();
  return {pool.all(), std::move(cpus)};
}

}  // namespace

Result<MachineLimits> measure_limits(const Engine& engine, const LimitsOptions& options,
                                     const Surroundings& surroundings, const TimeBudget& budget) {
  const double start = seconds_now();
  const EngineImpl& inside = impl(engine);
  const Crew all = crew_of(inside.pool());
  const Crew one(inside.pool().first(1), {});
  const kernels::KernelTable& table = inside.table;
  const bool several = all.size() > 1;

  MachineLimits limits;
  limits.isa = engine.isa();
  limits.n_threads = engine.n_threads();
  limits.dot_instruction = kernels::find_isa(limits.isa.c_str())->dot_instruction;

  TERN_ASSIGN_OR_RETURN(const ReadBufferPlan plan,
                        plan_read_buffer(surroundings.last_level_cache_bytes,
                                         surroundings.available_bytes, all.size()));
  TERN_ASSIGN_OR_RETURN(const ReadBuffer buffer,
                        ReadBuffer::create(plan, all, budget.touch_seconds, options.interrupt));
  limits.buffer_bytes = buffer.n_bytes();
  limits.huge_page_bytes = buffer.huge_page_bytes();

  const auto dot = [&](const Crew& crew) {
    return measure_dot(crew, table.dot_i8_peak, budget.peak_seconds, options.interrupt) / kGiga;
  };
  const auto fma = [&](const Crew& crew) {
    return measure_fma(crew, table.fma_f32_peak, budget.peak_seconds, options.interrupt) / kGiga;
  };
  // Arithmetic first: it also brings the clock up.
  limits.dot_gmacs_one = dot(one);
  limits.dot_gmacs = several ? dot(all) : limits.dot_gmacs_one;
  limits.fma_gflops_one = fma(one);
  limits.fma_gflops = several ? fma(all) : limits.fma_gflops_one;
  // What is left, if the memory came slowly.
  const double left = budget.total_seconds - (seconds_now() - start);
  const double read_seconds = std::clamp(left / 2, budget.least_read_seconds, budget.read_seconds);
  const auto read = [&](const Crew& crew) {
    return measure_read(crew, table.read_stream, buffer, read_patterns(), read_seconds,
                        options.interrupt);
  };
  const ReadFigure read_one = read(one);
  const ReadFigure read_all = several ? read(all) : read_one;
  if (interrupted(options.interrupt)) return interrupted_error();
  limits.read_gbps_one = read_one.bytes_per_second / kGiga;
  limits.read_pattern_one = describe(read_one.pattern);
  limits.read_gbps = read_all.bytes_per_second / kGiga;
  limits.read_pattern = describe(read_all.pattern);
  limits.seconds = seconds_now() - start;
  return limits;
}

}  // namespace limits

Result<MachineLimits> measure_limits(const Engine& engine, const LimitsOptions& options) {
  return limits::measure_limits(
      engine, options, {cpu_topology().last_level_cache_bytes, memory_info().available_bytes}, {});
}

MachineLimits best_of(const MachineLimits& a, const MachineLimits& b) {
  TERN_CHECK(a.isa == b.isa && a.n_threads == b.n_threads);
  MachineLimits best = a;
  if (b.read_gbps > a.read_gbps) {
    best.read_gbps = b.read_gbps;
    best.read_pattern = b.read_pattern;
    best.buffer_bytes = b.buffer_bytes;
    best.huge_page_bytes = b.huge_page_bytes;
  }
  if (b.read_gbps_one > a.read_gbps_one) {
    best.read_gbps_one = b.read_gbps_one;
    best.read_pattern_one = b.read_pattern_one;
  }
  best.dot_gmacs = std::max(a.dot_gmacs, b.dot_gmacs);
  best.dot_gmacs_one = std::max(a.dot_gmacs_one, b.dot_gmacs_one);
  best.fma_gflops = std::max(a.fma_gflops, b.fma_gflops);
  best.fma_gflops_one = std::max(a.fma_gflops_one, b.fma_gflops_one);
  best.seconds = a.seconds + b.seconds;
  return best;
}

}  // namespace tern
