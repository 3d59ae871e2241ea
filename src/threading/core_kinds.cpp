#include "threading/core_kinds.h"

#include <cstdint>
#include <iterator>
#include <optional>
#include <set>

#include "base/system_file.h"

namespace tern {
namespace {

/// Hybrid x86 kernels list each kind of core as a device of its own.
std::map<int, CoreKind> kinds_by_device(const std::string& sysfs_root) {
  std::map<int, CoreKind> kinds;
  const auto add = [&](const char* device, CoreKind kind) {
    const auto cpus = read_cpu_list(sysfs_root + "/devices/" + device + "/cpus");
    if (!cpus) return false;
    for (int cpu : *cpus) kinds[cpu] = kind;
    return !cpus->empty();
  };
  const bool performance = add("cpu_core", CoreKind::kPerformance);
  const bool efficiency = add("cpu_atom", CoreKind::kEfficiency);
  const bool low_power = add("cpu_lowpower", CoreKind::kEfficiency);
  if (!performance || !(efficiency || low_power)) kinds.clear();
  return kinds;
}

/// ARM kernels give each CPU its share of the fastest one's speed (0 to 1024). Kinds are parted at
/// the widest gap: what lies above it may differ in clock only (a "prime" core beside big ones).
/// Maximum clocks are no stand-in: favoured cores of one kind differ in them too, and little cores
/// may have nearly the clock of big ones.
std::map<int, CoreKind> kinds_by_capacity(const std::string& sysfs_root) {
  constexpr double kLeastGap = 1.4;
  std::map<int, uint64_t> capacities;
  std::set<uint64_t> distinct;
  for (const NumberedEntry& cpu : numbered_entries(sysfs_root + "/devices/system/cpu", "cpu")) {
    const auto capacity = read_u64(cpu.path + "/cpu_capacity");
    if (capacity.value_or(0) == 0) continue;
    capacities[cpu.number] = *capacity;
    distinct.insert(*capacity);
  }
  double widest = kLeastGap;
  uint64_t least_big = 0;
  for (auto low = distinct.begin(); low != distinct.end(); ++low) {
    const auto high = std::next(low);
    if (high == distinct.end()) break;
    const double gap = static_cast<double>(*high) / static_cast<double>(*low);
    if (gap < widest) continue;
    widest = gap;
    least_big = *high;
  }
  std::map<int, CoreKind> kinds;
  if (least_big == 0) return kinds;
  for (const auto& [cpu, capacity] : capacities) {
    kinds[cpu] = capacity >= least_big ? CoreKind::kPerformance : CoreKind::kEfficiency;
  }
  return kinds;
}

}  // namespace

std::map<CoreKind, int> count_core_kinds(const std::string& sysfs_root,
                                         const std::vector<int>& cores) {
  std::map<int, CoreKind> kinds = kinds_by_device(sysfs_root);
  if (kinds.empty()) kinds = kinds_by_capacity(sysfs_root);
  std::map<CoreKind, int> counts;
  for (int cpu : cores) {
    const auto kind = kinds.find(cpu);
    if (kind != kinds.end()) ++counts[kind->second];
  }
  return counts;
}

}  // namespace tern
