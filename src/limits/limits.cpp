#include "tern/limits.h"

#include <algorithm>

#include "base/check.h"
#include "base/result.h"
#include "limits/limits_meter.h"

namespace tern {

Result<MachineLimits> measure_limits(const Engine& engine, const LimitsOptions& options) {
  TERN_ASSIGN_OR_RETURN(auto meter, limits::LimitsMeter::create(engine, options));
  return meter.all();
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
