#include "threading/affinity.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace tern {
namespace {

struct FreeSet {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};
using CpuSet = std::unique_ptr<cpu_set_t, FreeSet>;

constexpr int kMostCpus = 1 << 16;

}  // namespace

std::optional<std::vector<int>> thread_affinity() {
  // Whatever the number of CPUs the kernel was built for: it refuses a mask that is too small.
  for (int n_cpus = CPU_SETSIZE; n_cpus <= kMostCpus; n_cpus *= 2) {
    const CpuSet set(CPU_ALLOC(static_cast<size_t>(n_cpus)));
    if (set == nullptr) return std::nullopt;
    const size_t n_bytes = CPU_ALLOC_SIZE(static_cast<size_t>(n_cpus));
    CPU_ZERO_S(n_bytes, set.get());
    if (::sched_getaffinity(0, n_bytes, set.get()) != 0) {
      if (errno == EINVAL) continue;
      return std::nullopt;
    }
    std::vector<int> cpus;
    for (int cpu = 0; cpu < n_cpus; ++cpu) {
      if (CPU_ISSET_S(static_cast<size_t>(cpu), n_bytes, set.get())) cpus.push_back(cpu);
    }
    if (cpus.empty()) return std::nullopt;
    return cpus;
  }
  return std::nullopt;
}

bool set_thread_affinity(const std::vector<int>& cpus) {
  if (cpus.empty()) return false;
  const int n_cpus = *std::max_element(cpus.begin(), cpus.end()) + 1;
  if (n_cpus > kMostCpus) return false;
  const CpuSet set(CPU_ALLOC(static_cast<size_t>(n_cpus)));
  if (set == nullptr) return false;
  const size_t n_bytes = CPU_ALLOC_SIZE(static_cast<size_t>(n_cpus));
  CPU_ZERO_S(n_bytes, set.get());
  for (const int cpu : cpus) CPU_SET_S(static_cast<size_t>(cpu), n_bytes, set.get());
  return ::sched_setaffinity(0, n_bytes, set.get()) == 0;
}

CpuPin::CpuPin(int cpu) {
  auto before = thread_affinity();
  if (before && set_thread_affinity({cpu})) before_ = std::move(*before);
}

CpuPin::~CpuPin() {
  if (!before_.empty()) set_thread_affinity(before_);
}

}  // namespace tern
