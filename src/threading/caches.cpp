#include "threading/caches.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/system_file.h"

namespace tern {
namespace {

int cache_type_rank(const std::string& type) {
  return type == "data" ? 0 : type == "unified" ? 1 : 2;
}

std::optional<CacheInfo> read_cache(const std::string& folder) {
  CacheInfo cache;
  const auto level = read_u64(folder + "/level");
  const auto bytes = parse_bytes(first_line(folder + "/size"));
  constexpr uint64_t kMostLevels = 9;
  if (level.value_or(0) == 0 || *level > kMostLevels || bytes.value_or(0) == 0) return std::nullopt;
  cache.level = static_cast<int>(*level);
  cache.bytes = *bytes;
  const std::string type = first_line(folder + "/type");
  if (type == "Data") {
    cache.type = "data";
  } else if (type == "Instruction") {
    cache.type = "instruction";
  } else if (type == "Unified") {
    cache.type = "unified";
  } else {
    return std::nullopt;
  }
  cache.n_instances = 1;
  return cache;
}

}  // namespace

std::vector<CacheInfo> read_caches(const std::string& sysfs_root, const std::vector<int>& usable) {
  std::vector<CacheInfo> caches;
  for (int cpu : usable) {
    const std::string folder =
        sysfs_root + "/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache";
    for (const NumberedEntry& index : numbered_entries(folder, "index")) {
      // A cache is counted at the first usable CPU that shares it.
      const auto shared = read_cpu_list(index.path + "/shared_cpu_list");
      const auto shares = [&shared](int other) {
        return std::find(shared->begin(), shared->end(), other) != shared->end();
      };
      if (shared && shares(cpu) && *std::find_if(usable.begin(), usable.end(), shares) != cpu) {
        continue;
      }
      const auto cache = read_cache(index.path);
      if (!cache) continue;
      const auto same = std::find_if(caches.begin(), caches.end(), [&cache](const CacheInfo& c) {
        return c.level == cache->level && c.type == cache->type && c.bytes == cache->bytes;
      });
      if (same == caches.end()) {
        caches.push_back(*cache);
      } else {
        ++same->n_instances;
      }
    }
  }
  std::sort(caches.begin(), caches.end(), [](const CacheInfo& a, const CacheInfo& b) {
    return std::tuple(a.level, cache_type_rank(a.type), b.bytes) <
           std::tuple(b.level, cache_type_rank(b.type), a.bytes);
  });
  return caches;
}

uint64_t last_level_cache_bytes(const std::vector<CacheInfo>& caches) {
  int level = 0;
  uint64_t bytes = 0;
  for (const CacheInfo& cache : caches) {
    if (cache.type == "instruction" || cache.level < level) continue;
    if (cache.level > level) bytes = 0;
    level = cache.level;
    bytes += cache.bytes * static_cast<uint64_t>(cache.n_instances);
  }
  return bytes;
}

}  // namespace tern
