// The CPU's name for cpu_info() of include/tern/cpu.h, with the root as a parameter for tests.
#pragma once

#include <string>

namespace tern {

/// "model name" of /proc/cpuinfo; on ARM, which has none, the names of its kinds of cores joined by
/// " + ", or their codes where tern does not know them; "unknown" when nothing is said.
std::string read_cpu_model(const std::string& procfs_root);

}  // namespace tern
