// The performance monitoring unit "power" of perf (arch/x86/events/rapl.c in the kernel): the same
// counters as powercap, with rights of their own. The kernel carries them to 64 bits, so they do
// not go round.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "base/result.h"
#include "base/system_file.h"
#include "energy/rapl.h"
#include "energy/remedies.h"
#include "energy/source.h"
#include "energy/text.h"

namespace tern::energy {
namespace {

struct EventRow {
  const char* name;
  RaplPart part;
};
constexpr std::array kEvents = {
    EventRow{"energy-pkg", RaplPart::kPackage},   EventRow{"energy-ram", RaplPart::kMemory},
    EventRow{"energy-cores", RaplPart::kPart},    EventRow{"energy-gpu", RaplPart::kPart},
    EventRow{"energy-psys", RaplPart::kPlatform},
};

class PerfEnergyCounter : public Counter {
 public:
  PerfEnergyCounter(std::unique_ptr<PerfCounter> counter, double scale, std::string name,
                    uint64_t first)
      : counter_(std::move(counter)), scale_(scale), name_(std::move(name)), last_(first) {}

  Result<double> read() override {
    uint64_t now = 0;
    if (!counter_->read(now)) {
      return make_error(ErrorCode::kNotAvailable, "perf event {}: no value", name_);
    }
    if (now < last_) {
      return make_error(ErrorCode::kNotAvailable, "perf event {}: went back", name_);
    }
    joules_ += static_cast<double>(now - last_) * scale_;
    last_ = now;
    return joules_;
  }

 private:
  std::unique_ptr<PerfCounter> counter_;
  const double scale_;  // joules
  const std::string name_;
  uint64_t last_;
  double joules_ = 0.0;
};

/// An event that the unit has.
struct Event {
  const EventRow* row = nullptr;
  uint64_t config = 0;
  double scale = 0.0;
};

std::vector<Event> find_events(System& system, const std::string& unit) {
  std::vector<Event> events;
  for (const EventRow& row : kEvents) {
    const std::string file = unit + "/events/" + row.name;
    const auto config = parse_event(read_word(system, file));
    const auto scale = parse_positive(read_word(system, file + ".scale"));
    if (!config || !scale || read_word(system, file + ".unit") != "Joules") continue;
    events.push_back({&row, *config, *scale});
  }
  return events;
}

/// "-0" for the CPUs of the first socket, "-0-die-1" where a socket has several; "-cpu3" where the
/// system does not tell.
std::vector<std::string> socket_suffixes(System& system, const EnergyOptions& options,
                                         const std::vector<int>& cpus) {
  std::vector<std::optional<uint64_t>> sockets;
  std::vector<std::string> folders;
  std::map<std::optional<uint64_t>, size_t> n_cpus;  // by socket
  for (const int cpu : cpus) {
    folders.push_back(fmt::format("{}/devices/system/cpu/cpu{}/topology", options.sysfs_root, cpu));
    sockets.push_back(parse_value(read_word(system, folders.back() + "/physical_package_id")));
    ++n_cpus[sockets.back()];
  }
  std::vector<std::string> suffixes;
  for (size_t i = 0; i < cpus.size(); ++i) {
    const auto die = parse_value(read_word(system, folders[i] + "/die_id"));
    if (sockets[i] && n_cpus[sockets[i]] == 1) {
      suffixes.push_back(fmt::format("-{}", *sockets[i]));
    } else if (sockets[i] && die) {
      suffixes.push_back(fmt::format("-{}-die-{}", *sockets[i], *die));
    } else {
      suffixes.push_back(fmt::format("-cpu{}", cpus[i]));
    }
  }
  return suffixes;
}

std::string perf_domain_name(const EventRow& row, const std::string& suffix) {
  switch (row.part) {
    case RaplPart::kPackage:
      return "package" + suffix;
    case RaplPart::kMemory:
      return "dram" + suffix;
    case RaplPart::kPlatform:
      return "psys" + suffix;
    case RaplPart::kPart:
      break;
  }
  return "package" + suffix + "/" + std::string(row.name).substr(sizeof("energy-") - 1);
}

Probe fail_opening(System& system, const EnergyOptions& options, Probe probe, int error_number) {
  using State = EnergySource::State;
  if (error_number != EACCES && error_number != EPERM) {
    return fail_probe(std::move(probe), State::kNotCounting,
                      "perf_event_open: " + std::generic_category().message(error_number));
  }
  const std::string path = options.procfs_root + "/sys/kernel/perf_event_paranoid";
  const auto level = parse_i64(read_word(system, path));
  if (level && *level <= 0) {
    return fail_probe(std::move(probe), State::kDenied,
                      fmt::format("perf_event_open was denied although {} is {}: by the sandbox of "
                                  "a container or a security module",
                                  path, *level));
  }
  return fail_probe(
      std::move(probe), State::kDenied,
      fmt::format("perf_event_open was denied: it takes CAP_PERFMON, or 0 in {} (which is {})",
                  path, level ? std::to_string(*level) : "not readable"),
      perf_remedy(system.program_path()));
}

}  // namespace

Probe probe_perf(System& system, const EnergyOptions& options) {
  using State = EnergySource::State;
  Probe probe;
  const std::string unit = options.sysfs_root + "/bus/event_source/devices/power";
  probe.source.detail = unit;
  const auto type = parse_value(read_word(system, unit + "/type"));
  const auto cpus = parse_cpu_list(read_word(system, unit + "/cpumask"));
  if (!type || *type > UINT32_MAX || !cpus || cpus->empty()) {
    return fail_probe(std::move(probe), State::kMissing,
                      unit + " is not there, as on virtual machines and ARM");
  }
  const std::vector<Event> events = find_events(system, unit);
  const std::vector<std::string> suffixes = socket_suffixes(system, options, *cpus);

  std::vector<RaplPart> parts;
  std::vector<Domain> domains;
  std::vector<std::pair<const Event*, int>> places;
  for (size_t i = 0; i < cpus->size(); ++i) {
    for (const Event& event : events) {
      parts.push_back(event.row->part);
      places.emplace_back(&event, (*cpus)[i]);
      domains.emplace_back().info.name = perf_domain_name(*event.row, suffixes[i]);
    }
  }
  const std::vector<bool> counted = rapl_counted(parts);
  if (std::find(counted.begin(), counted.end(), true) == counted.end()) {
    return fail_probe(std::move(probe), State::kMissing,
                      unit + " has no event for a whole processor");
  }
  std::vector<RaplPart> open_parts;
  for (size_t i = 0; i < domains.size(); ++i) {
    const auto& [event, cpu] = places[i];
    PerfOpening opening = system.open_perf(static_cast<uint32_t>(*type), event->config, cpu);
    uint64_t first = 0;
    if (opening.counter == nullptr || !opening.counter->read(first)) {
      if (!counted[i]) continue;  // no loss for the total
      return fail_opening(system, options, std::move(probe),
                          opening.counter == nullptr ? opening.error_number : EIO);
    }
    domains[i].info.counted = counted[i];
    domains[i].counter = std::make_unique<PerfEnergyCounter>(
        std::move(opening.counter), event->scale, domains[i].info.name, first);
    probe.domains.push_back(std::move(domains[i]));
    open_parts.push_back(parts[i]);
  }
  return finish_rapl_probe(system, std::move(probe), open_parts);
}

}  // namespace tern::energy
