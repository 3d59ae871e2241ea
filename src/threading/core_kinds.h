// Fast and slow cores of hybrid CPUs, as the kernel tells them apart. Stateless; any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tern {

enum class CoreKind { kPerformance, kEfficiency };

/// How many of the cores, each given by one of its hardware threads, are of which kind; empty where
/// the machine's cores are all alike or the kernel does not say.
std::map<CoreKind, int> count_core_kinds(const std::string& sysfs_root,
                                         const std::vector<int>& cores);

}  // namespace tern
