#include "threading/cgroup.h"

#include <fstream>

#include "base/system_file.h"

namespace tern {

std::vector<std::string> cgroup_folders(std::string_view controller, const std::string& sysfs_root,
                                        const std::string& procfs_root) {
  std::vector<std::string> folders;
  // Lines are "ID:controllers:path"; version 2 names no controllers.
  std::ifstream file(procfs_root + "/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    std::string root = sysfs_root + "/fs/cgroup";
    if (!names.empty()) {
      if (("," + names + ",").find("," + std::string(controller) + ",") == std::string::npos) {
        continue;
      }
      root += "/" + std::string(controller);
    }
    std::string path = line.substr(second + 1);
    // A name that leaves the tree is that of a group which the container cannot see.
    if (!path.starts_with('/') || path.find("/..") != std::string::npos) path.clear();
    for (;;) {
      if (path == "/") path.clear();
      folders.push_back(root + path);
      if (path.empty()) break;
      path.resize(path.rfind('/'));
    }
  }
  return folders;
}

double cpu_quota(const std::string& sysfs_root, const std::string& procfs_root) {
  double least = 0.0;
  const auto consider = [&least](std::optional<uint64_t> quota, std::optional<uint64_t> period) {
    if (quota.value_or(0) == 0 || period.value_or(0) == 0) return;
    const double cores = static_cast<double>(*quota) / static_cast<double>(*period);
    if (least == 0.0 || cores < least) least = cores;
  };
  for (const std::string& folder : cgroup_folders("cpu", sysfs_root, procfs_root)) {
    // Version 2: "150000 100000" or "max 100000".
    const std::string both = first_line(folder + "/cpu.max");
    const size_t blank = both.find(' ');
    if (blank != std::string::npos) {
      consider(parse_u64(std::string_view(both).substr(0, blank)),
               parse_u64(std::string_view(both).substr(blank + 1)));
    }
    // Version 1: a quota of -1 is none.
    consider(read_u64(folder + "/cpu.cfs_quota_us"), read_u64(folder + "/cpu.cfs_period_us"));
  }
  return least;
}

}  // namespace tern
