// The caches of CpuTopology (include/tern/cpu.h). Stateless; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tern/cpu.h"

namespace tern {

/// Caches of the usable hardware threads (ascending), by level; those of another size (hybrid CPUs)
/// get a row of their own. What cannot be read is left out.
std::vector<CacheInfo> read_caches(const std::string& sysfs_root, const std::vector<int>& usable);

/// All instances of the highest level that holds data; 0 for none.
uint64_t last_level_cache_bytes(const std::vector<CacheInfo>& caches);

}  // namespace tern
