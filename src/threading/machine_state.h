// machine_state() of include/tern/cpu.h with the usable CPUs as a parameter, for tests on fake
// trees. Stateless; any thread.
#pragma once

#include <string>
#include <vector>

#include "tern/cpu.h"

namespace tern {

/// usable: numbers of the hardware threads that this process may use. The load is that of the
/// running system, whatever the root.
MachineState read_machine_state(const std::string& sysfs_root, const std::vector<int>& usable);

}  // namespace tern
