// On which CPUs a thread may run. Stateless; each call is about the calling thread.
#pragma once

#include <optional>
#include <vector>

namespace tern {

/// CPUs that the calling thread may use, ascending, not empty; none where the system does not say.
std::optional<std::vector<int>> thread_affinity();

/// False where the system refuses, or when a CPU is not there. REQUIRES: numbers not negative.
bool set_thread_affinity(const std::vector<int>& cpus);

/// Keeps a thread on one CPU while it lives, then gives it back those it had. Does nothing where
/// the system refuses. Created and destroyed by the thread that it pins.
class CpuPin {
 public:
  explicit CpuPin(int cpu);
  ~CpuPin();
  CpuPin(const CpuPin&) = delete;
  CpuPin& operator=(const CpuPin&) = delete;

 private:
  std::vector<int> before_;  // empty: not pinned
};

}  // namespace tern
