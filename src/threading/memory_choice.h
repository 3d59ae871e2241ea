// On what pages and memory nodes an engine's large memory goes: the decision behind
// EngineOptions::huge_pages and ::numa. A pure function; what the system says comes in.
#pragma once

#include <string>
#include <vector>

#include "base/memory_placement.h"
#include "tern/cpu.h"
#include "tern/error.h"
#include "tern/placement.h"

namespace tern {

/// Nodes that have memory and that this process may use, ascending; empty where the system does not
/// say. The roots are those of fake trees in tests.
std::vector<int> memory_nodes(const std::string& sysfs_root, const std::string& procfs_root);

struct MemoryChoice {
  MemoryPlacement placement;
  std::string numa_reason;  // "one memory node", "interleaved over 2 memory nodes", ...
};

/// kUnsupported, with the remedy, for HugePages::kOn where the system has switched them off.
/// pinned: each worker stays on a core, so that it finds what it wrote at load on its own node.
Result<MemoryChoice> choose_memory(HugePages huge_pages, NumaMode numa, const HugePageInfo& pages,
                                   const std::vector<int>& nodes, bool pinned);

}  // namespace tern
