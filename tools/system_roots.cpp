#include "system_roots.h"

namespace tern::tools {

std::string sysfs_root(const Environment& environment) {
  return environment("TERN_SYSFS_ROOT").value_or("/sys");
}

}  // namespace tern::tools
