#include "system_roots.h"

namespace tern::tools {

std::string sysfs_root(const Environment& environment) {
  return environment("TERN_SYSFS_ROOT").value_or("/sys");
}

std::string procfs_root(const Environment& environment) {
  return environment("TERN_PROCFS_ROOT").value_or("/proc");
}

}  // namespace tern::tools
