// How large memory lies in the machine: kind of pages, memory nodes. The one place that tells the
// system. Plain value and a free function; any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "tern/error.h"
#include "tern/placement.h"

namespace tern {

struct MemoryPlacement {
  HugePages huge_pages = HugePages::kAuto;
  std::vector<int> interleave_nodes;  // pages lie on these in turn; empty: as the system does
  bool interleave_or_fail = false;    // else a system that refuses is as good as no request
};

inline constexpr size_t kHugePageBytes = size_t{2} << 20;

/// Applies to [start, start + n_bytes) as long as nothing of it has been written. kUnsupported,
/// with the remedy, for what was asked for explicitly and is refused. REQUIRES: start on a page.
Result<void> place_memory(void* start, size_t n_bytes, const MemoryPlacement& placement);

}  // namespace tern
