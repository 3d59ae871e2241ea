#include "energy/rapl.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tern::energy {
namespace {

// The hardware updates its counters about every millisecond; a virtual machine that shows them
// without counting never does.
constexpr double kPatienceSeconds = 0.2;

}  // namespace

std::vector<bool> rapl_counted(std::span<const RaplPart> parts) {
  const bool has_package = std::find(parts.begin(), parts.end(), RaplPart::kPackage) != parts.end();
  std::vector<bool> counted(parts.size(), false);
  bool has_platform = false;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (has_package) {
      counted[i] = parts[i] == RaplPart::kPackage || parts[i] == RaplPart::kMemory;
    } else if (parts[i] == RaplPart::kPlatform && !has_platform) {
      counted[i] = true;
      has_platform = true;
    }
  }
  return counted;
}

Probe finish_rapl_probe(System& system, Probe probe, std::span<const RaplPart> parts) {
  const Result<std::vector<size_t>> standing =
      find_standing(system, probe.domains, kPatienceSeconds);
  if (!standing) {
    return fail_probe(std::move(probe), EnergySource::State::kNotCounting,
                      standing.error().message);
  }
  std::string note;
  for (const size_t i : *standing) {
    EnergyDomain& domain = probe.domains[i].info;
    if (parts[i] != RaplPart::kMemory) {
      std::string reason = fmt::format("the counter stands still: {}", domain.name);
      return fail_probe(std::move(probe), EnergySource::State::kNotCounting, std::move(reason));
    }
    domain.counted = false;
    note += fmt::format("; {} stands still", domain.name);
  }
  probe.source.state = EnergySource::State::kUsable;
  probe.source.detail += ": " + describe_domains(probe.domains) + note;
  probe.min_window_seconds = kCounterWindowSeconds;
  return probe;
}

}  // namespace tern::energy
