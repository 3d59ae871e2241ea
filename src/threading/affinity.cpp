#include "threading/affinity.h"

#include <sched.h>

namespace tern {

CpuMask CpuMask::of(std::span<const int> cpus) {
  CpuMask mask;
  for (const int cpu : cpus) {
    if (cpu < 0 || cpu >= kMostCpus) continue;
    const auto bit = static_cast<size_t>(cpu);
    mask.words_[bit / kBits] |= 1ul << (bit % kBits);
  }
  return mask;
}

std::optional<CpuMask> CpuMask::of_thread() {
  // The kernel refuses a set smaller than the one it was built for, and takes a larger one.
  CpuMask mask;
  auto* set = reinterpret_cast<cpu_set_t*>(mask.words_.data());
  if (::sched_getaffinity(0, sizeof(mask.words_), set) != 0 || mask == CpuMask()) {
    return std::nullopt;
  }
  return mask;
}

bool CpuMask::apply() const {
  const auto* set = reinterpret_cast<const cpu_set_t*>(words_.data());
  return ::sched_setaffinity(0, sizeof(words_), set) == 0;
}

std::vector<int> CpuMask::list() const {
  std::vector<int> cpus;
  for (size_t bit = 0; bit < words_.size() * kBits; ++bit) {
    if ((words_[bit / kBits] >> (bit % kBits) & 1) != 0) cpus.push_back(static_cast<int>(bit));
  }
  return cpus;
}

std::optional<std::vector<int>> thread_affinity() {
  const auto mask = CpuMask::of_thread();
  if (!mask) return std::nullopt;
  return mask->list();
}

CpuPin::CpuPin(int cpu) {
  const auto before = CpuMask::of_thread();
  if (before && CpuMask::of({&cpu, 1}).apply()) before_ = before;
}

CpuPin::CpuPin(int cpu, const CpuMask& expected) {
  const auto before = CpuMask::of_thread();
  if (before == expected && CpuMask::of({&cpu, 1}).apply()) before_ = before;
}

CpuPin::~CpuPin() {
  if (before_) before_->apply();
}

}  // namespace tern
