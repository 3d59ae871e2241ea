// cpu_topology() of include/tern/cpu.h with everything that the system says as parameters, for
// tests on fake trees. Stateless; any thread.
#pragma once

#include <string>
#include <vector>

#include "tern/cpu.h"

namespace tern {

/// CPUs of the affinity mask, ascending; all that are online where it cannot be read.
std::vector<int> usable_cpus(const std::string& sysfs_root);

/// One hardware thread of each physical core: the first usable one.
std::vector<int> core_leaders(const std::string& sysfs_root, const std::vector<int>& usable);

/// usable: numbers of the hardware threads that this process may use, ascending, not empty.
CpuTopology read_topology(const std::string& sysfs_root, const std::string& procfs_root,
                          const std::vector<int>& usable);

}  // namespace tern
