#include "limits/limits_meter.h"

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "limits/compute_peak.h"
#include "limits/interrupt.h"
#include "limits/timed_rounds.h"
#include "tern/cpu.h"
#include "threading/topology.h"

namespace tern::limits {
namespace {

constexpr double kGiga = 1e9;
// Of the budget for a detailed measurement of the same thing: a few passes or windows.
constexpr double kMomentReadShare = 0.05;
constexpr double kMomentDotShare = 0.07;

/// All workers, each on a core of its own where there are exactly as many. Otherwise the system
/// knows better which cores to use.
Crew crew_of(const WorkerPool& pool) {
  std::vector<int> cpus = core_leaders("/sys", usable_cpus("/sys"));
  if (pool.size() == 1 || cpus.size() != static_cast<size_t>(pool.size())) cpus.clear();
  return {pool.all(), std::move(cpus)};
}

}  // namespace

LimitsMeter::LimitsMeter(const Engine& engine, const LimitsOptions& options,
                         const TimeBudget& budget, Crew all, ReadBuffer buffer,
                         double create_seconds)
    : engine_(&engine),
      options_(options),
      budget_(budget),
      all_(std::move(all)),
      one_(impl(engine).pool().first(1), {}),
      buffer_(std::move(buffer)),
      create_seconds_(create_seconds) {}

Result<LimitsMeter> LimitsMeter::create(const Engine& engine, const LimitsOptions& options,
                                        const Surroundings& surroundings,
                                        const TimeBudget& budget) {
  const double start = seconds_now();
  Crew all = crew_of(impl(engine).pool());
  TERN_ASSIGN_OR_RETURN(const ReadBufferPlan plan,
                        plan_read_buffer(surroundings.last_level_cache_bytes,
                                         surroundings.available_bytes, all.size()));
  TERN_ASSIGN_OR_RETURN(ReadBuffer buffer,
                        ReadBuffer::create(plan, all, budget.touch_seconds, options.interrupt));
  return LimitsMeter(engine, options, budget, std::move(all), std::move(buffer),
                     seconds_now() - start);
}

Result<LimitsMeter> LimitsMeter::create(const Engine& engine, const LimitsOptions& options) {
  return create(engine, options,
                {cpu_topology().last_level_cache_bytes, memory_info().available_bytes}, {});
}

double LimitsMeter::dot(const Crew& crew, double seconds) const {
  return measure_dot(crew, impl(*engine_).table.dot_i8_peak, seconds, options_.interrupt) / kGiga;
}

ReadFigure LimitsMeter::read(const Crew& crew, std::span<const ReadPattern> patterns,
                             double seconds) const {
  return measure_read(crew, impl(*engine_).table.read_stream, buffer_, patterns, seconds,
                      options_.interrupt);
}

MomentaryLimits LimitsMeter::now() const {
  MomentaryLimits now;
  now.dot_gmacs = dot(all_, budget_.peak_seconds * kMomentDotShare);
  const auto patterns = fastest_ ? std::span<const ReadPattern>(&*fastest_, 1) : read_patterns();
  now.read_gbps =
      read(all_, patterns, budget_.read_seconds * kMomentReadShare).bytes_per_second / kGiga;
  return now;
}

Result<MachineLimits> LimitsMeter::all() {
  const double start = seconds_now();
  const bool several = all_.size() > 1;

  MachineLimits limits;
  limits.isa = engine_->isa();
  limits.n_threads = engine_->n_threads();
  limits.dot_instruction = kernels::find_isa(limits.isa.c_str())->dot_instruction;
  limits.buffer_bytes = buffer_.n_bytes();
  limits.huge_page_bytes = buffer_.huge_page_bytes();

  const auto fma = [&](const Crew& crew) {
    return measure_fma(crew, impl(*engine_).table.fma_f32_peak, budget_.peak_seconds,
                       options_.interrupt) /
           kGiga;
  };
  // Arithmetic first: it also brings the clock up.
  limits.dot_gmacs_one = dot(one_, budget_.peak_seconds);
  limits.dot_gmacs = several ? dot(all_, budget_.peak_seconds) : limits.dot_gmacs_one;
  limits.fma_gflops_one = fma(one_);
  limits.fma_gflops = several ? fma(all_) : limits.fma_gflops_one;
  // What is left, if the memory came slowly.
  const double left = budget_.total_seconds - create_seconds_ - (seconds_now() - start);
  const double read_seconds =
      std::clamp(left / 2, budget_.least_read_seconds, budget_.read_seconds);
  const ReadFigure read_one = read(one_, read_patterns(), read_seconds);
  const ReadFigure read_all = several ? read(all_, read_patterns(), read_seconds) : read_one;
  if (interrupted(options_.interrupt)) return interrupted_error();
  fastest_ = read_all.pattern;
  limits.read_gbps_one = read_one.bytes_per_second / kGiga;
  limits.read_pattern_one = describe(read_one.pattern);
  limits.read_gbps = read_all.bytes_per_second / kGiga;
  limits.read_pattern = describe(read_all.pattern);
  limits.seconds = create_seconds_ + seconds_now() - start;
  return limits;
}

Result<MachineLimits> measure_limits(const Engine& engine, const LimitsOptions& options,
                                     const Surroundings& surroundings, const TimeBudget& budget) {
  TERN_ASSIGN_OR_RETURN(auto meter, LimitsMeter::create(engine, options, surroundings, budget));
  return meter.all();
}

}  // namespace tern::limits
