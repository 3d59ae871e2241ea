// memory_info() and its kin of include/tern/cpu.h with the roots as parameters, for tests on fake
// trees. Stateless; any thread.
#pragma once

#include <string>

#include "tern/cpu.h"

namespace tern {

/// The address-space limit is that of this process, whatever the roots.
MemoryInfo read_memory(const std::string& sysfs_root, const std::string& procfs_root);
HugePageInfo read_huge_pages(const std::string& sysfs_root, const std::string& procfs_root);

}  // namespace tern
