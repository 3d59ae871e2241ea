// What control groups leave to this process: folders of its group and of those above it. The roots
// are parameters so that fake trees drive the tests. Stateless; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tern {

/// Folders below sysfs_root/fs/cgroup that hold the controller's files ("cpu", "memory") for this
/// process's group and its parents, deepest first; version 2 and version 1. Some may not exist: in
/// a container the group's name is often that of the host, and only the last folder is there.
std::vector<std::string> cgroup_folders(std::string_view controller, const std::string& sysfs_root,
                                        const std::string& procfs_root);

/// CPU time per time that the group may use, in cores: the least of all its parents. 0: no limit.
double cpu_quota(const std::string& sysfs_root, const std::string& procfs_root);

}  // namespace tern
