// measure_limits() with what it otherwise finds out itself, for tests.
#pragma once

#include "tern/limits.h"

namespace tern::limits {

struct Surroundings {
  uint64_t last_level_cache_bytes = 0;  // 0: not known
  uint64_t available_bytes = 0;         // 0: not known
};

/// How long each part of measuring may take.
struct TimeBudget {
  double total_seconds = 2.4;  // reading takes what the parts before it leave, within its limits
  double touch_seconds = 0.5;
  double peak_seconds = 0.15;  // dot and fma, one thread, and again all
  double read_seconds = 0.45;  // one thread, and again all
  double least_read_seconds = 0.15;
};

Result<MachineLimits> measure_limits(const Engine& engine, const LimitsOptions& options,
                                     const Surroundings& surroundings, const TimeBudget& budget);

}  // namespace tern::limits
