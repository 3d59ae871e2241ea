#include <fmt/format.h>

#include <algorithm>

#include "doctor.h"

namespace tern::tools {
namespace {

using Rule = std::optional<Advice> (*)(const DoctorReport& report);

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

bool has_feature(const CpuInfo& cpu, std::string_view name) {
  return std::find(cpu.features.begin(), cpu.features.end(), name) != cpu.features.end();
}

std::optional<Advice> advise_build(const DoctorReport& report) {
  if (!report.debug_build) return std::nullopt;
  return Advice{"build", "This is a build with debug checks, many times slower than a release.",
                "cmake --preset release && cmake --build build/release"};
}

std::optional<Advice> advise_battery(const DoctorReport& report) {
  if (report.state.power_source != "battery") return std::nullopt;
  return Advice{"battery", "The machine runs on its battery; most lower their clocks then.",
                "plug in the charger"};
}

// A driver with an energy preference chooses clocks by it, and "powersave" is then the name of its
// ordinary mode; without one the governor of that name holds the lowest clock.
std::optional<Advice> advise_governor(const DoctorReport& report) {
  const std::string folder = report.sysfs_root + "/devices/system/cpu/cpu*/cpufreq/";
  const std::string& preference = report.state.energy_preference;
  if (preference.empty() && contains(report.state.governor, "powersave")) {
    return Advice{
        "governor",
        fmt::format("The clock is held at its lowest (governor {}).", report.state.governor),
        "echo performance | sudo tee " + folder + "scaling_governor"};
  }
  // "power" and "balance_power", also in "mixed: balance_power 2, performance 4".
  const bool saves = preference == "power" || contains(preference, " power ") ||
                     contains(preference, "balance_power");
  if (!saves) return std::nullopt;
  return Advice{"governor",
                fmt::format("The clock is kept low to save energy (preference {}).", preference),
                "echo balance_performance | sudo tee " + folder + "energy_performance_preference"};
}

std::optional<Advice> advise_temperature(const DoctorReport& report) {
  constexpr double kHot = 90.0;  // most CPUs throttle from 95 to 105 degrees on
  if (report.state.temperature_celsius.value_or(0.0) < kHot) return std::nullopt;
  return Advice{"temperature",
                fmt::format("The CPU is at {:.0f} C and lowers its clock to get no hotter.",
                            *report.state.temperature_celsius),
                "let it cool down, free its air vents"};
}

std::optional<Advice> advise_load(const DoctorReport& report) {
  const double load = report.state.load_average.value_or(0.0);
  // Some background work is always there.
  if (load < std::max(0.5, 0.1 * report.topology.n_online)) return std::nullopt;
  return Advice{
      "load",
      fmt::format("The load of the last minute was {:.1f} with {} hardware threads; beside "
                  "other work tern is slower and measurements are unsteady.",
                  load, report.topology.n_online),
      "see what it is: top -o %CPU"};
}

std::optional<Advice> advise_memory(const DoctorReport& report) {
  constexpr uint64_t kLittle = 2'000'000'000;  // a model of 2 billion weights with its context
  const uint64_t available = report.memory.available_bytes;
  if (available == 0 || available >= kLittle) return std::nullopt;
  return Advice{"memory",
                fmt::format("{:.1f} GB of memory can be had: enough for small models only.",
                            static_cast<double>(available) / 1e9),
                "see who holds it: ps aux --sort=-rss | head; in a container, service or shell, "
                "raise its memory limit"};
}

std::optional<Advice> advise_huge_pages(const DoctorReport& report) {
  if (report.huge_pages.transparent != "never" || report.huge_page_switch.empty()) {
    return std::nullopt;
  }
  return Advice{"huge_pages",
                "Transparent huge pages are off; weights are read more slowly from small pages.",
                "echo madvise | sudo tee " + report.huge_page_switch};
}

std::optional<Advice> advise_isa(const DoctorReport& report) {
  const IsaInfo* best = nullptr;
  for (const IsaInfo& isa : report.cpu.isas) {
    if (isa.supported) best = &isa;
  }
  if (best != nullptr && !report.isa.empty() && report.isa != best->name) {
    return Advice{
        "isa",
        fmt::format("Kernels for {} are in use by request; this CPU can run those for {}.",
                    report.isa, best->name),
        "run without --isa, unset TERN_FORCE_ISA, or ask for --isa " + best->name};
  }
  const bool x86 = std::any_of(report.cpu.isas.begin(), report.cpu.isas.end(),
                               [](const IsaInfo& isa) { return isa.name == "avx2"; });
  const char* missing = x86 ? "avx2" : "dotprod";
  if (has_feature(report.cpu, missing)) return std::nullopt;
  return Advice{"old_cpu",
                fmt::format("This CPU does not show {}, so tern runs several times slower than on "
                            "one that does.",
                            missing),
                "in a virtual machine, pass the host's CPU through (QEMU: -cpu host)"};
}

std::optional<Advice> advise_quota(const DoctorReport& report) {
  const CpuTopology& cores = report.topology;
  if (cores.quota_cores <= 0.0 || cores.quota_cores >= cores.n_physical) return std::nullopt;
  return Advice{"quota",
                fmt::format("A control group allows this process {:.4g} of {} cores; beyond that "
                            "it is stopped for parts of every period.",
                            cores.quota_cores, cores.n_physical),
                "raise it where it was set: docker run --cpus=N, or systemctl set-property UNIT "
                "CPUQuota="};
}

std::optional<Advice> advise_affinity(const DoctorReport& report) {
  const CpuTopology& cores = report.topology;
  if (cores.n_logical >= cores.n_online) return std::nullopt;
  return Advice{"affinity",
                fmt::format("This process may use {} of the machine's {} hardware threads.",
                            cores.n_logical, cores.n_online),
                "start it without taskset; in a container, without --cpuset-cpus"};
}

std::optional<Advice> advise_threads(const DoctorReport& report) {
  const CpuTopology& cores = report.topology;
  const int n_threads = std::max(report.n_threads, report.n_threads_batch);
  if (n_threads <= cores.n_default_threads) return std::nullopt;
  const bool quota = cores.n_default_threads < cores.n_physical;
  return Advice{
      "threads",
      fmt::format("{} threads are asked for, but there {}; threads that share one wait "
                  "for each other.",
                  n_threads,
                  quota ? fmt::format("is time for {} cores", cores.n_default_threads)
                        : fmt::format("are {} cores", cores.n_physical)),
      fmt::format("at most --threads {0} and --threads-batch {0}", cores.n_default_threads)};
}

std::optional<Advice> advise_numa(const DoctorReport& report) {
  if (report.topology.n_numa_nodes < 2) return std::nullopt;
  return Advice{"numa",
                fmt::format("The cores belong to {} memory nodes; weights that lie in one of them "
                            "are far from the others.",
                            report.topology.n_numa_nodes),
                "numactl --interleave=all tern ..., or for one node: numactl --cpunodebind=0 "
                "--membind=0 tern ..."};
}

std::optional<Advice> advise_energy(const DoctorReport& report) {
  const EnergySource* denied = nullptr;
  for (const EnergySource& source : report.energy) {
    if (source.state == EnergySource::State::kUsable) return std::nullopt;
    if (source.state == EnergySource::State::kDenied && !source.remedy.empty() &&
        denied == nullptr) {
      denied = &source;
    }
  }
  if (denied == nullptr) return std::nullopt;
  return Advice{"energy",
                fmt::format("Energy is not measured: this user may not read the counters of {}.",
                            denied->name),
                denied->remedy};
}

// A registry in the order of importance; one function adds one piece of advice.
constexpr Rule kRules[] = {
    advise_build,   advise_battery,    advise_governor, advise_isa,    advise_quota,
    advise_threads, advise_affinity,   advise_load,     advise_memory, advise_temperature,
    advise_numa,    advise_huge_pages, advise_energy,
};

}  // namespace

std::vector<Advice> advise(const DoctorReport& report) {
  std::vector<Advice> advice;
  for (const Rule rule : kRules) {
    if (auto found = rule(report)) advice.push_back(std::move(*found));
  }
  return advice;
}

}  // namespace tern::tools
