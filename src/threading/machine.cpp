// What the machine offers to this process (include/tern/cpu.h). The operating system is asked here
// and nowhere else.
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "kernels/cpu_features.h"
#include "kernels/dispatch.h"
#include "tern/cpu.h"

namespace tern {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::optional<uint64_t> parse_u64(std::string_view text) {
  uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

// Value after "key:" in a file of such lines, or "".
std::string field_of(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string_view name(line.data(), colon);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
    if (name != key) continue;
    const size_t start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "";
}

// Folders of this process's cgroup and its parents, deepest first; v2 and the two v1 controllers.
std::vector<std::string> cgroup_folders(std::string_view controller) {
  std::vector<std::string> folders;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    std::string root;
    if (names.empty()) {
      root = "/sys/fs/cgroup";
    } else if (("," + names + ",").find("," + std::string(controller) + ",") != std::string::npos) {
      root = "/sys/fs/cgroup/" + std::string(controller);
    } else {
      continue;
    }
    std::string path = line.substr(second + 1);
    for (;;) {
      if (path == "/") path.clear();
      folders.push_back(root + path);
      if (path.empty()) break;
      path.resize(path.rfind('/'));
    }
  }
  return folders;
}

double cpu_quota() {
  double least = 0.0;
  const auto consider = [&least](double quota, double period) {
    if (quota > 0.0 && period > 0.0 && (least == 0.0 || quota / period < least))
      least = quota / period;
  };
  for (const std::string& folder : cgroup_folders("cpu")) {
    std::istringstream v2(first_line(folder + "/cpu.max"));
    std::string quota;
    double period = 0.0;
    if (v2 >> quota >> period && quota != "max") {
      if (const auto q = parse_u64(quota)) consider(static_cast<double>(*q), period);
    }
    const auto v1_quota = parse_u64(first_line(folder + "/cpu.cfs_quota_us"));
    const auto v1_period = parse_u64(first_line(folder + "/cpu.cfs_period_us"));
    if (v1_quota && v1_period) {
      consider(static_cast<double>(*v1_quota), static_cast<double>(*v1_period));
    }
  }
  return least;
}

uint64_t kib_field(const std::string& path, std::string_view key) {
  return parse_u64(field_of(path, key)).value_or(0) * 1024;
}

}  // namespace

CpuInfo cpu_info() {
  CpuInfo info;
  info.model_name = field_of("/proc/cpuinfo", "model name");
  if (info.model_name.empty()) info.model_name = "unknown";
  const uint32_t features = kernels::detect_features();
  for (const auto* f = kernels::feature_names(); f->name != nullptr; ++f) {
    if ((features & f->feature) != 0) info.features.emplace_back(f->name);
  }
  size_t count = 0;
  const kernels::Isa* isas = kernels::isas(&count);
  for (size_t i = 0; i < count; ++i) {
    IsaInfo isa;
    isa.name = isas[i].name;
    isa.supported = (isas[i].required_features & ~features) == 0;
    for (const auto* f = kernels::feature_names(); f->name != nullptr; ++f) {
      if ((isas[i].required_features & f->feature) == 0) continue;
      if (!isa.requires_features.empty()) isa.requires_features += ' ';
      isa.requires_features += f->name;
    }
    info.isas.push_back(std::move(isa));
  }
  return info;
}

CpuTopology cpu_topology(const std::string& sysfs_root) {
  CpuTopology topology;
  cpu_set_t set;
  CPU_ZERO(&set);
  std::set<std::string> cores;
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) {
    topology.n_logical = std::max(1, CPU_COUNT(&set));
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &set)) continue;
      const std::string folder =
          sysfs_root + "/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
      std::string siblings = first_line(folder + "thread_siblings_list");
      if (siblings.empty()) siblings = "cpu" + std::to_string(cpu);
      cores.insert(std::move(siblings));
    }
  } else {
    topology.n_logical = std::max(1, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
  }
  topology.n_physical = cores.empty() ? topology.n_logical : static_cast<int>(cores.size());
  topology.quota_cores = cpu_quota();
  topology.n_default_threads = topology.n_physical;
  if (topology.quota_cores > 0.0) {
    const int quota = std::max(1, static_cast<int>(std::ceil(topology.quota_cores)));
    topology.n_default_threads = std::min(topology.n_default_threads, quota);
  }
  return topology;
}

MemoryInfo memory_info() {
  MemoryInfo info;
  info.total_bytes = kib_field("/proc/meminfo", "MemTotal");
  info.available_bytes = kib_field("/proc/meminfo", "MemAvailable");
  const auto limit_to = [&info](uint64_t total, uint64_t available) {
    if (info.total_bytes == 0 || total < info.total_bytes) info.total_bytes = total;
    if (info.available_bytes == 0 || available < info.available_bytes)
      info.available_bytes = available;
  };
  for (const std::string& folder : cgroup_folders("memory")) {
    auto limit = parse_u64(first_line(folder + "/memory.max"));
    auto used = parse_u64(first_line(folder + "/memory.current"));
    if (!limit) {
      limit = parse_u64(first_line(folder + "/memory.limit_in_bytes"));
      used = parse_u64(first_line(folder + "/memory.usage_in_bytes"));
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
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    const uint64_t mapped = kib_field("/proc/self/status", "VmSize");
    limit_to(limit.rlim_cur, limit.rlim_cur > mapped ? limit.rlim_cur - mapped : 1);
  }
  return info;
}

}  // namespace tern
