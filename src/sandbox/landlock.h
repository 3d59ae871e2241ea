// Which files a process may reach, by Landlock (Linux, Documentation/userspace-api/landlock.rst).
// The restriction holds for the thread that asks for it, for threads and processes that it begins
// later, and for good.
#pragma once

#include <string>
#include <vector>

#include "tern/error.h"

namespace tern::sandbox {

/// Files, or folders with all that is in them. Paths that are missing are left out: there is
/// nothing to reach.
struct PathRules {
  std::vector<std::string> readable;
  std::vector<std::string> writable;  // read, made, replaced and removed
};

/// Version of the kernel's Landlock; 0 where there is none.
int landlock_abi();

/// kNotAvailable with the system's reason; nothing is restricted then. REQUIRES: the process can
/// get no new privileges (PR_SET_NO_NEW_PRIVS).
Result<void> restrict_paths(const PathRules& rules);

}  // namespace tern::sandbox
