// Where the files of the system are looked for. Pure functions.
#pragma once

#include <string>

#include "settings.h"

namespace tern::tools {

/// "/sys", or the folder in TERN_SYSFS_ROOT: tests, and bug reports from machines that are not at
/// hand, put a copied tree in its place.
std::string sysfs_root(const Environment& environment);
/// "/proc", or the folder in TERN_PROCFS_ROOT.
std::string procfs_root(const Environment& environment);

}  // namespace tern::tools
