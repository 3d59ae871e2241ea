#include "threading/memory_choice.h"

#include <algorithm>
#include <iterator>

#include "base/result.h"
#include "base/system_file.h"

namespace tern {

std::vector<int> memory_nodes(const std::string& sysfs_root, const std::string& procfs_root) {
  const auto nodes = read_cpu_list(sysfs_root + "/devices/system/node/has_memory");
  if (!nodes) return {};
  const auto allowed = parse_cpu_list(field_of(procfs_root + "/self/status", "Mems_allowed_list"));
  if (!allowed || allowed->empty()) return *nodes;
  std::vector<int> usable;
  std::set_intersection(nodes->begin(), nodes->end(), allowed->begin(), allowed->end(),
                        std::back_inserter(usable));
  return usable;
}

Result<MemoryChoice> choose_memory(HugePages huge_pages, NumaMode numa, const HugePageInfo& pages,
                                   const std::vector<int>& nodes, bool pinned) {
  if (huge_pages == HugePages::kOn && pages.transparent != "always" &&
      pages.transparent != "madvise") {
    return with_hint(
        make_error(ErrorCode::kUnsupported,
                   "--huge-pages on: this system has transparent huge pages {}",
                   pages.transparent.empty() ? "not at all" : "set to " + pages.transparent),
        "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled, or use "
        "--huge-pages auto");
  }
  MemoryChoice choice;
  choice.placement.huge_pages = huge_pages;
  if (numa == NumaMode::kOff) {
    choice.numa_reason = "off on request";
  } else if (nodes.size() < 2) {
    choice.numa_reason = "one memory node";
  } else if (numa == NumaMode::kAuto && pinned) {
    choice.numa_reason = "each worker's part on its own node";
  } else {
    choice.placement.interleave_nodes = nodes;
    choice.placement.interleave_or_fail = numa == NumaMode::kInterleave;
    choice.numa_reason = fmt::format("interleaved over {} memory nodes", nodes.size());
  }
  return choice;
}

}  // namespace tern
