// The engine: the kernels chosen for this CPU and the thread pool. One per process is enough;
// models and sessions share it. Immutable after creation; calls from several threads take turns at
// the pool.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tern/error.h"
#include "tern/log.h"
#include "tern/placement.h"

namespace tern {

struct EngineOptions {
  int n_threads = 0;         // in all; 0: one per physical core that this process may use
  int n_threads_decode = 0;  // of these, for one token at a time; 0: all
  int n_threads_batch = 0;   // of these, for several tokens at once: prompts; 0: all
  std::string
      isa;  // "": TERN_FORCE_ISA, else the best this CPU has. Unknown or unsupported: an error
  PinMode pin = PinMode::kAuto;
  HugePages huge_pages = HugePages::kAuto;
  NumaMode numa = NumaMode::kAuto;
  LogSink log;
};

/// Which kernel set fills an entry of the kernel table, for `tern doctor`.
struct KernelChoice {
  std::string entry;  // "ternary_gemv_t2"
  std::string isa;    // "avx512vnni"
};

class Engine {
 public:
  /// Chooses kernels, compares the ternary ones with the scalar specification on random tiles
  /// (milliseconds), starts the workers. kUsage for a bad isa, a count out of range, or
  /// more workers than can be pinned; kUnsupported when the system refuses PinMode::kOn or
  /// HugePages::kOn; kInternal
  /// when the self-test fails.
  static Result<std::shared_ptr<const Engine>> create(const EngineOptions& options = {});
  virtual ~Engine() = default;

  virtual int n_threads() const = 0;
  virtual int n_threads_decode() const = 0;
  virtual int n_threads_batch() const = 0;
  virtual std::string_view isa() const = 0;
  /// CPU of each worker while they compute; empty: the system decides.
  virtual std::vector<int> pinned_cpus() const = 0;
  /// Why: "one worker per core", "this process may not use all CPUs", ...
  virtual std::string pinning_reason() const = 0;
  /// How weights and KV cache are spread: "one memory node", "interleaved over 2 memory nodes", ...
  virtual std::string numa_reason() const = 0;
  virtual std::vector<KernelChoice> kernels() const = 0;
  /// "passed, 36 comparisons in 1.2 ms"
  virtual std::string self_test_report() const = 0;
};

}  // namespace tern
