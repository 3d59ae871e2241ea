#include "machine_key.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "version.h"

namespace tern::tools {

std::string binary_key() {
  std::string key =
      fmt::format("tern {}, {}, {}", version_number(), commit_name(), compiler_name());
  const std::string_view commit = commit_name();
  if (commit == "unknown" || commit.ends_with("-dirty")) {
    struct stat program {};
    if (::stat("/proc/self/exe", &program) == 0) {
      key += fmt::format(", {} bytes of {}.{:09}", program.st_size, program.st_mtim.tv_sec,
                         program.st_mtim.tv_nsec);
    }
  }
  return key;
}

std::string cpu_key(const CpuInfo& cpu, const CpuTopology& topology) {
  std::string kinds;
  if (topology.n_performance + topology.n_efficiency > 0) {
    kinds = fmt::format(" ({} performance, {} efficiency)", topology.n_performance,
                        topology.n_efficiency);
  }
  return fmt::format("{}; {}; {} cores{}, {} threads, {} nodes, cache {}, quota {:.2f}",
                     cpu.model_name, fmt::join(cpu.features, " "), topology.n_physical, kinds,
                     topology.n_logical, topology.n_numa_nodes, topology.last_level_cache_bytes,
                     topology.quota_cores);
}

std::string machine_key(const CpuInfo& cpu, const CpuTopology& topology) {
  return cpu_key(cpu, topology) + "; " + binary_key();
}

std::string machine_key() { return machine_key(cpu_info(), cpu_topology()); }

}  // namespace tern::tools
