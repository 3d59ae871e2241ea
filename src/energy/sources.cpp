// The table of sources, and how a meter chooses among them.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

#include "energy/meter.h"
#include "energy/source.h"

namespace tern::energy {
namespace {

struct SourceRow {
  const char* name;
  ProbeFn probe;
};

/// In the order in which they are tried: counters of the processors first, what the whole machine
/// took last. One row adds a source.
constexpr std::array kSources = {
    SourceRow{"powercap", probe_powercap},
    SourceRow{"perf", probe_perf},
    SourceRow{"hwmon", probe_hwmon},
    SourceRow{"battery", probe_battery},
};

Probe probe_source(const SourceRow& row, System& system, const EnergyOptions& options) {
  Probe probe;
  const std::string unsupported = system.why_unsupported();
  if (unsupported.empty()) {
    probe = row.probe(system, options);
  } else {
    probe = fail_probe(std::move(probe), EnergySource::State::kMissing, unsupported);
  }
  probe.source.name = row.name;
  return probe;
}

bool is_power(double watts) { return std::isfinite(watts) && watts > 0.0; }

}  // namespace

std::vector<EnergySource> list_sources(const EnergyOptions& options, System& system) {
  std::vector<EnergySource> sources;
  if (is_power(options.power_watts)) {
    EnergySource given;
    given.name = "given power";
    given.detail = fmt::format("{} W, as typed", options.power_watts);
    given.state = EnergySource::State::kUsable;
    sources.push_back(std::move(given));
  }
  for (const SourceRow& row : kSources) {
    sources.push_back(probe_source(row, system, options).source);
  }
  return sources;
}

std::unique_ptr<EnergyMeter> open_meter(const EnergyOptions& options,
                                        std::shared_ptr<System> system) {
  if (is_power(options.power_watts))
    return make_given_meter(std::move(system), options.power_watts);
  if (options.power_watts != 0.0) {
    return make_null_meter(
        fmt::format("the given power of {} W is not above zero", options.power_watts), {});
  }
  if (std::string reason = system->why_unsupported(); !reason.empty()) {
    return make_null_meter(std::move(reason), {});
  }
  std::string reason = "no source of energy figures";
  std::string remedy;
  const char* separator = ": ";
  for (const SourceRow& row : kSources) {
    Probe probe = probe_source(row, *system, options);
    if (probe.source.state == EnergySource::State::kUsable) {
      return make_counter_meter(std::move(system), std::move(probe));
    }
    reason += fmt::format("{}{}: {}", separator, row.name, probe.source.reason);
    separator = "; ";
    // The best source that only lacks a permission: sources come best first.
    if (probe.source.state == EnergySource::State::kDenied && remedy.empty()) {
      remedy = probe.source.remedy;
    }
  }
  return make_null_meter(std::move(reason), std::move(remedy));
}

}  // namespace tern::energy

namespace tern {

std::vector<EnergySource> list_energy_sources(const EnergyOptions& options) {
  return energy::list_sources(options, *energy::real_system());
}

std::unique_ptr<EnergyMeter> EnergyMeter::open(const EnergyOptions& options) {
  return energy::open_meter(options, energy::real_system());
}

}  // namespace tern
