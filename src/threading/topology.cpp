#include "threading/topology.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/system_file.h"
#include "threading/affinity.h"
#include "threading/caches.h"
#include "threading/cgroup.h"
#include "threading/core_kinds.h"

namespace tern {
namespace {

std::string cpu_folder(const std::string& sysfs_root, int cpu) {
  return sysfs_root + "/devices/system/cpu/cpu" + std::to_string(cpu);
}

/// Nodes with a usable CPU; nodes of memory alone do not count.
int count_numa_nodes(const std::string& sysfs_root, const std::vector<int>& usable) {
  int n_nodes = 0;
  for (const NumberedEntry& node : numbered_entries(sysfs_root + "/devices/system/node", "node")) {
    const auto cpus = read_cpu_list(node.path + "/cpulist");
    if (!cpus) continue;
    n_nodes += std::any_of(usable.begin(), usable.end(), [&cpus](int cpu) {
      return std::binary_search(cpus->begin(), cpus->end(), cpu);
    });
  }
  return std::max(1, n_nodes);
}

}  // namespace

std::vector<int> usable_cpus(const std::string& sysfs_root) {
  if (auto cpus = thread_affinity()) return *cpus;
  if (auto online = read_cpu_list(sysfs_root + "/devices/system/cpu/online"); online) {
    return *online;
  }
  std::vector<int> cpus(static_cast<size_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN))));
  for (size_t i = 0; i < cpus.size(); ++i) cpus[i] = static_cast<int>(i);
  return cpus;
}

std::vector<int> core_leaders(const std::string& sysfs_root, const std::vector<int>& usable) {
  std::vector<int> leaders;
  std::set<int> taken;  // lowest sibling of the cores seen, usable or not
  for (int cpu : usable) {
    const std::string folder = cpu_folder(sysfs_root, cpu) + "/topology/";
    auto siblings = read_cpu_list(folder + "core_cpus_list");
    if (!siblings) siblings = read_cpu_list(folder + "thread_siblings_list");
    // A list without the CPU itself says nothing about it.
    const bool sound =
        siblings && std::find(siblings->begin(), siblings->end(), cpu) != siblings->end();
    if (taken.insert(sound ? siblings->front() : cpu).second) leaders.push_back(cpu);
  }
  return leaders;
}

CpuTopology read_topology(const std::string& sysfs_root, const std::string& procfs_root,
                          const std::vector<int>& usable) {
  CpuTopology topology;
  topology.n_logical = static_cast<int>(usable.size());
  const auto online = read_cpu_list(sysfs_root + "/devices/system/cpu/online");
  topology.n_online = std::max(topology.n_logical, online ? static_cast<int>(online->size()) : 0);
  const std::vector<int> leaders = core_leaders(sysfs_root, usable);
  topology.n_physical = static_cast<int>(leaders.size());
  for (const auto& [kind, count] : count_core_kinds(sysfs_root, leaders)) {
    (kind == CoreKind::kPerformance ? topology.n_performance : topology.n_efficiency) = count;
  }
  topology.n_numa_nodes = count_numa_nodes(sysfs_root, usable);
  topology.caches = read_caches(sysfs_root, usable);
  topology.last_level_cache_bytes = last_level_cache_bytes(topology.caches);
  topology.quota_cores = cpu_quota(sysfs_root, procfs_root);
  topology.n_default_threads = topology.n_physical;
  if (topology.quota_cores > 0.0) {
    // Bounded before the conversion: a quota may be any number.
    const double quota = std::ceil(std::min(topology.quota_cores, 1e6));
    topology.n_default_threads = std::clamp(static_cast<int>(quota), 1, topology.n_default_threads);
  }
  return topology;
}

CpuTopology cpu_topology(const std::string& sysfs_root) {
  return read_topology(sysfs_root, "/proc", usable_cpus(sysfs_root));
}

}  // namespace tern
