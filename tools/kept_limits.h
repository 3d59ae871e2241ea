// The machine's limits (include/tern/limits.h) for commands that only show them: measured once,
// then taken from the cache until machine, program, kernels or threads change.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "cache.h"
#include "json_output.h"
#include "tern/cpu.h"
#include "tern/engine.h"
#include "tern/error.h"
#include "tern/limits.h"

namespace tern::tools {

struct KeptLimits {
  MachineLimits limits;
  std::string measured_at;  // ISO 8601, UTC
  bool fresh = false;       // measured by this process
  // The conditions then.
  std::string governor, power_source, huge_pages;
  std::optional<double> load_average;
  std::string not_kept;  // why the next command has to measure again; "" when it has not
};

/// What the figures depend on beside the engine, as it is now.
struct LimitsConditions {
  std::string machine_key;
  MachineState state;
  HugePageInfo huge_pages;
};

/// Those kept for this engine; none where nothing usable was kept.
std::optional<KeptLimits> find_limits(const Engine& engine, const LimitsConditions& conditions,
                                      const Cache& cache);

/// Measures and keeps them. The errors of measure_limits(); keeping never fails it.
Result<KeptLimits> measure_and_keep_limits(const Engine& engine, const LimitsConditions& conditions,
                                           const Cache& cache, const std::atomic<bool>* interrupt);

}  // namespace tern::tools
