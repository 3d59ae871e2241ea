// What this machine can do at most with the threads and kernels of an engine: the yardstick of
// `tern bench`. Values measured on request; no shared state.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "tern/engine.h"
#include "tern/error.h"

namespace tern {

/// Measured limits. "one" is one thread alone, the others all threads of the engine at once, each
/// with an equal share of the work; on machines with several memory nodes one thread alone also
/// reads from those of the others.
struct MachineLimits {
  std::string isa;  // kernels they were measured with
  int n_threads = 0;
  double read_gbps = 0.0, read_gbps_one = 0.0;    // 1e9 bytes a second, from memory
  std::string read_pattern, read_pattern_one;     // the fastest: "4 streams, prefetch 2048"
  double dot_gmacs = 0.0, dot_gmacs_one = 0.0;    // 1e9 int8 multiply-adds a second
  std::string dot_instruction;                    // "vpdpbusd zmm"
  double fma_gflops = 0.0, fma_gflops_one = 0.0;  // 1e9 f32 operations a second, two per fma
  uint64_t buffer_bytes = 0;                      // read per pass
  uint64_t huge_page_bytes = 0;                   // of the buffer, as the system reports
  double seconds = 0.0;                           // that measuring took
};

struct LimitsOptions {
  /// Measuring stops with kInterrupted soon after this becomes true. May be null.
  const std::atomic<bool>* interrupt = nullptr;
};

/// Measures with the engine's workers, which must have nothing else to do; under 3 s. The read
/// buffer is eight times the last-level cache, at least 256 MiB and at most 2 GiB, so that nothing
/// comes from there; it counts for peak_resident_bytes(). kOutOfMemory when it would take more than
/// a quarter of the available memory, kInterrupted.
Result<MachineLimits> measure_limits(const Engine& engine, const LimitsOptions& options = {});

/// The larger figure of two measurements of the same engine, field by field: a limit is what was
/// reached at best. REQUIRES: same isa and n_threads.
MachineLimits best_of(const MachineLimits& a, const MachineLimits& b);

}  // namespace tern
