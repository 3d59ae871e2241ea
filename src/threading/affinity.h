// On which CPUs a thread may run. Each call is about the calling thread; nothing allocates except
// where a vector is returned.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace tern {

/// A set of CPUs as the system takes it: a value.
class CpuMask {
 public:
  static constexpr int kMostCpus = 1 << 16;

  /// Those of 0 .. kMostCpus - 1 that are in the list; the rest are left out.
  static CpuMask of(std::span<const int> cpus);
  /// Those that the calling thread may use; none where the system does not say.
  static std::optional<CpuMask> of_thread();

  /// Lets the calling thread use these and no others. False where the system refuses or when none
  /// of them is there.
  bool apply() const;
  /// Ascending.
  std::vector<int> list() const;
  bool operator==(const CpuMask& other) const = default;

 private:
  static constexpr size_t kBits = 8 * sizeof(unsigned long);
  std::array<unsigned long, kMostCpus / kBits> words_{};
};

/// CPUs that the calling thread may use, ascending, not empty; none where the system does not say.
std::optional<std::vector<int>> thread_affinity();

/// Keeps a thread on one CPU while it lives, then gives it back those it had. Does nothing where
/// the system refuses. Created and destroyed by the thread that it pins.
class CpuPin {
 public:
  /// Pins nothing.
  CpuPin() = default;
  explicit CpuPin(int cpu);
  /// Does nothing either when the thread may not use exactly the CPUs of `expected`: somebody else
  /// decided where it runs.
  CpuPin(int cpu, const CpuMask& expected);
  ~CpuPin();
  CpuPin(const CpuPin&) = delete;
  CpuPin& operator=(const CpuPin&) = delete;

  bool active() const { return before_.has_value(); }

 private:
  std::optional<CpuMask> before_;  // none: not pinned
};

}  // namespace tern
