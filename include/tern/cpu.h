// What this machine is: CPU features, the kernel sets (ISAs) that can run on it, usable cores and
// memory. Values computed on request; no shared state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tern {

/// One kernel set that this build contains.
struct IsaInfo {
  std::string name;        // "scalar", "avx2", "avx512bw", "avxvnni", "avx512vnni", "avx512vbmi",
                           // "neon", "dotprod", "i8mm": what --isa takes
  bool supported = false;  // by this CPU and operating system
  std::string requires_features;     // "avx2 fma f16c"
  std::string dot_instruction = {};  // what int8 products are made with: "vpdpbusd zmm"
};

struct CpuInfo {
  std::string model_name;  // "AMD EPYC ...", or "unknown"
  std::vector<std::string>
      features;               // those that matter to the kernels: "avx2", "avx512_vnni", ...
  std::vector<IsaInfo> isas;  // lowest first
};
CpuInfo cpu_info();

/// One kind of cache, all of its instances that belong to cores this process may use.
struct CacheInfo {
  int level = 0;
  std::string type;    // "data", "instruction", "unified"
  uint64_t bytes = 0;  // of one instance
  int n_instances = 0;
};

/// Cores this process may use, and what they look like.
struct CpuTopology {
  int n_online = 1;       // hardware threads of the machine
  int n_logical = 1;      // hardware threads in the affinity mask
  int n_physical = 1;     // physical cores among them
  int n_performance = 0;  // physical cores by kind, on hybrid CPUs; both 0: all alike
  int n_efficiency = 0;
  int n_numa_nodes = 1;
  double quota_cores = 0.0;             // cgroup CPU quota in cores; 0: none
  int n_default_threads = 1;            // one per physical core, at most the quota rounded up
  std::vector<CacheInfo> caches;        // by level
  uint64_t last_level_cache_bytes = 0;  // of all instances; 0: not known
};
/// sysfs_root: a fake tree in tests.
CpuTopology cpu_topology(const std::string& sysfs_root = "/sys");

/// Memory in bytes; available is what a new allocation can hope for: the least of the system's
/// available memory, the cgroup's limit less its use, and the address-space limit.
struct MemoryInfo {
  uint64_t total_bytes = 0;
  uint64_t available_bytes = 0;
};
MemoryInfo memory_info();

/// Huge pages as the system offers them.
struct HugePageInfo {
  std::string transparent;    // "always", "madvise", "never"; "" where the system has none
  uint64_t page_bytes = 0;    // of a transparent huge page; 0: not known
  uint64_t in_use_bytes = 0;  // anonymous huge pages of this process
};
HugePageInfo huge_page_info(const std::string& sysfs_root = "/sys");

/// What changes from minute to minute and moves a measurement. Unknown: "" or no value.
struct MachineState {
  std::string governor;      // cpufreq: "performance", "powersave", "mixed: performance 4, ..."
  std::string power_source;  // "mains", "battery"
  std::optional<double> temperature_celsius;  // of the CPU package
  std::optional<double> load_average;         // of the last minute
  std::string energy_preference;              // where the clock driver has one beside the governor:
                                              // "balance_performance", "power", "mixed: ..."
};
MachineState machine_state(const std::string& sysfs_root = "/sys");

/// Most memory this process ever had resident; 0: not known.
uint64_t peak_resident_bytes();
/// Starts that figure anew at what is resident now. False where the system does not allow it.
bool reset_peak_resident_bytes();

}  // namespace tern
