#include "threading/memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>

#include "base/system_file.h"
#include "threading/cgroup.h"

namespace tern {
namespace {

/// "VmHWM:    204 kB" in bytes; 0 where there is no such line.
uint64_t size_field(const std::string& path, std::string_view key) {
  return parse_bytes(field_of(path, key)).value_or(0);
}

/// The word in brackets: "always [madvise] never".
std::string chosen_word(const std::string& line) {
  const size_t open = line.find('[');
  const size_t close = open == std::string::npos ? open : line.find(']', open);
  return close == std::string::npos ? std::string() : line.substr(open + 1, close - open - 1);
}

}  // namespace

MemoryInfo read_memory(const std::string& sysfs_root, const std::string& procfs_root) {
  MemoryInfo info;
  info.total_bytes = size_field(procfs_root + "/meminfo", "MemTotal");
  info.available_bytes = size_field(procfs_root + "/meminfo", "MemAvailable");
  const auto limit_to = [&info](uint64_t total, uint64_t available) {
    if (info.total_bytes == 0 || total < info.total_bytes) info.total_bytes = total;
    if (info.available_bytes == 0 || available < info.available_bytes)
      info.available_bytes = available;
  };
  for (const std::string& folder : cgroup_folders("memory", sysfs_root, procfs_root)) {
    auto limit = read_u64(folder + "/memory.max");
    auto used = read_u64(folder + "/memory.current");
    if (!limit) {
      limit = read_u64(folder + "/memory.limit_in_bytes");
      used = read_u64(folder + "/memory.usage_in_bytes");
    }
    // Unlimited is "max" in v2 and a number near 2^63 in v1.
    if (!limit || *limit > (uint64_t{1} << 60)) continue;
    // Page cache counts as used but gives way; inactive_file is the part that surely does.
    uint64_t reclaimable = 0;
    std::ifstream stat(folder + "/memory.stat");
    for (std::string key; stat >> key;) {
      uint64_t value = 0;
      stat >> value;
      if (key == "inactive_file" || key == "total_inactive_file") reclaimable = value;
    }
    const uint64_t in_use = used.value_or(0) - std::min(used.value_or(0), reclaimable);
    limit_to(*limit, *limit > in_use ? *limit - in_use : 1);
  }
  // What the process may map in all, and what of it may be written to.
  constexpr struct {
    __rlimit_resource_t resource;
    const char* in_use;
  } kLimits[] = {{RLIMIT_AS, "VmSize"}, {RLIMIT_DATA, "VmData"}};
  for (const auto& [resource, in_use] : kLimits) {
    struct rlimit limit = {};
    if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
      continue;
    }
    const uint64_t used = size_field(procfs_root + "/self/status", in_use);
    limit_to(limit.rlim_cur, limit.rlim_cur > used ? limit.rlim_cur - used : 1);
  }
  return info;
}

HugePageInfo read_huge_pages(const std::string& sysfs_root, const std::string& procfs_root) {
  HugePageInfo info;
  const std::string folder = sysfs_root + "/kernel/mm/transparent_hugepage";
  info.transparent = chosen_word(first_line(folder + "/enabled"));
  info.page_bytes = read_u64(folder + "/hpage_pmd_size").value_or(0);
  // Since Linux 6.8 each size of page has a switch of its own; "inherit" is the common one.
  const std::string own = chosen_word(
      first_line(folder + "/hugepages-" + std::to_string(info.page_bytes / 1024) + "kB/enabled"));
  if (!own.empty() && own != "inherit") info.transparent = own;
  info.in_use_bytes = size_field(procfs_root + "/self/smaps_rollup", "AnonHugePages");
  return info;
}

MemoryInfo memory_info() { return read_memory("/sys", "/proc"); }

HugePageInfo huge_page_info(const std::string& sysfs_root) {
  return read_huge_pages(sysfs_root, "/proc");
}

uint64_t peak_resident_bytes() { return size_field("/proc/self/status", "VmHWM"); }

bool reset_peak_resident_bytes() {
  // 5 resets the high-water mark and nothing else: proc(5), /proc/pid/clear_refs.
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

}  // namespace tern
