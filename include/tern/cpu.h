// What this machine is: CPU features, the kernel sets (ISAs) that can run on it, usable cores and
// memory. Values computed on request; no shared state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tern {

/// One kernel set that this build contains.
struct IsaInfo {
  std::string name;        // "scalar", "avx2", "avx512vnni", "neon", "dotprod": what --isa takes
  bool supported = false;  // by this CPU and operating system
  std::string requires_features;  // "avx2 fma f16c"
};

struct CpuInfo {
  std::string model_name;  // "AMD EPYC ...", or "unknown"
  std::vector<std::string>
      features;               // those that matter to the kernels: "avx2", "avx512_vnni", ...
  std::vector<IsaInfo> isas;  // lowest first
};
CpuInfo cpu_info();

/// Cores this process may use.
struct CpuTopology {
  int n_logical = 1;          // hardware threads in the affinity mask
  int n_physical = 1;         // physical cores among them
  double quota_cores = 0.0;   // cgroup CPU quota in cores; 0: none
  int n_default_threads = 1;  // one per physical core, at most the quota rounded up
};
CpuTopology cpu_topology();

/// Memory in bytes; available is what a new allocation can hope for: the least of the system's
/// available memory, the cgroup's limit less its use, and the address-space limit.
struct MemoryInfo {
  uint64_t total_bytes = 0;
  uint64_t available_bytes = 0;
};
MemoryInfo memory_info();

}  // namespace tern
