// Linux powercap: /sys/class/powercap/intel-rapl:N[:M], for Intel and AMD processors alike.
// Documentation/power/powercap/powercap.rst of the kernel describes the files.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/result.h"
#include "energy/rapl.h"
#include "energy/remedies.h"
#include "energy/source.h"
#include "energy/text.h"

namespace tern::energy {
namespace {

// A counter of 32 bits in units of 61 uJ goes round after 262 kJ, one of memory in units of 15 uJ
// after 66 kJ: at 1000 W, more than any socket takes, that is a minute.
constexpr double kRepeatSeconds = 30.0;
// More than any zone takes: a fall that would mean so much is no wrap but a counter that began
// again, as after the machine slept.
constexpr double kImplausibleWatts = 5000.0;

/// A zone as it is found; the text of its name decides what it stands for.
struct Zone {
  std::string control;  // "intel-rapl", "intel-rapl-mmio"
  int index = 0;        // of the zone
  int sub_index = -1;   // within it; -1: the zone itself
  std::string path;
  std::string name;
  RaplPart part = RaplPart::kPart;
  std::string domain_name;  // "package-0/core"
};

/// control, index and sub_index of "intel-rapl:0:1"; none for anything else. Other control types
/// hold no counters of energy: those of dtpm are computed from a model.
std::optional<Zone> parse_zone(std::string_view entry) {
  Zone zone;
  const size_t colon = entry.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  zone.control = entry.substr(0, colon);
  if (zone.control != "intel-rapl" && zone.control != "intel-rapl-mmio") return std::nullopt;
  const std::string_view rest = entry.substr(colon + 1);
  const size_t second = rest.find(':');
  const auto index = number_in(rest.substr(0, second), "", "");
  if (!index) return std::nullopt;
  zone.index = *index;
  if (second == std::string_view::npos) return zone;
  const auto sub_index = number_in(rest.substr(second + 1), "", "");
  if (!sub_index) return std::nullopt;
  zone.sub_index = *sub_index;
  return zone;
}

class PowercapCounter : public Counter {
 public:
  /// range_uj: the largest value before the counter goes round; none: not known.
  PowercapCounter(System& system, std::string path, std::optional<uint64_t> range_uj,
                  uint64_t first_uj)
      : system_(system),
        path_(std::move(path)),
        range_uj_(range_uj),
        last_uj_(first_uj),
        last_seconds_(system.now_seconds()) {}

  Result<double> read() override {
    TERN_ASSIGN_OR_RETURN(const uint64_t now_uj, read_number(system_, path_));
    const double now = system_.now_seconds();
    TERN_ASSIGN_OR_RETURN(const uint64_t used_uj, difference(now_uj, now - last_seconds_));
    joules_ += static_cast<double>(used_uj) * 1e-6;
    last_uj_ = now_uj;
    last_seconds_ = now;
    return joules_;
  }

 private:
  Result<uint64_t> difference(uint64_t now_uj, double seconds) const {
    if (now_uj >= last_uj_) return now_uj - last_uj_;
    if (!range_uj_ || *range_uj_ < last_uj_) {
      return make_error(ErrorCode::kNotAvailable,
                        "{}: fell from {} to {}, and where it goes round is not known", path_,
                        last_uj_, now_uj);
    }
    const uint64_t used_uj = *range_uj_ - last_uj_ + now_uj;
    if (static_cast<double>(used_uj) * 1e-6 > kImplausibleWatts * std::max(seconds, 1.0)) {
      return make_error(ErrorCode::kNotAvailable,
                        "{}: fell from {} to {}: it began again, as it does when a machine sleeps",
                        path_, last_uj_, now_uj);
    }
    return used_uj;
  }

  System& system_;
  const std::string path_;
  const std::optional<uint64_t> range_uj_;
  uint64_t last_uj_;
  double last_seconds_;
  double joules_ = 0.0;
};

RaplPart part_of(const std::string& name, bool is_sub_zone) {
  // The kernel hangs DRAM below its package, although the package's figure does not hold it.
  if (name.starts_with("dram")) return RaplPart::kMemory;
  if (is_sub_zone) return RaplPart::kPart;
  if (name.starts_with("package")) return RaplPart::kPackage;
  if (name.starts_with("psys")) return RaplPart::kPlatform;
  return RaplPart::kPart;
}

/// "package-0", "package-0/core", and "dram-0" for the DRAM of package-0: no part of it.
std::string domain_name(const Zone& zone, const std::string& parent) {
  if (zone.sub_index < 0) return zone.name;
  constexpr std::string_view kPackage = "package";
  if (zone.part == RaplPart::kMemory && parent.starts_with(kPackage)) {
    return zone.name + parent.substr(kPackage.size());
  }
  return parent + "/" + zone.name;
}

/// The zone that a sub-zone belongs to, and of a zone the zone itself; null when it has no name.
const Zone* find_parent(const std::vector<Zone>& zones, const Zone& zone) {
  const auto is_parent = [&zone](const Zone& other) {
    return other.control == zone.control && other.index == zone.index && other.sub_index < 0;
  };
  const auto parent = std::find_if(zones.begin(), zones.end(), is_parent);
  return parent == zones.end() ? nullptr : &*parent;
}

/// intel-rapl-mmio shows registers of a package in memory that intel-rapl reads by instructions:
/// the same counter again.
bool is_counted_elsewhere(const std::vector<Zone>& zones, const Zone& zone, const Zone& parent) {
  return zone.control == "intel-rapl-mmio" &&
         std::any_of(zones.begin(), zones.end(), [&parent](const Zone& other) {
           return other.control == "intel-rapl" && other.sub_index < 0 && other.name == parent.name;
         });
}

struct ZoneList {
  std::vector<Zone> zones;
  bool any = false;  // entries there were, with names or without
};

ZoneList find_zones(System& system, const std::string& folder) {
  ZoneList list;
  std::vector<Zone> named;
  for (const std::string& entry : system.list_folder(folder)) {
    std::optional<Zone> zone = parse_zone(entry);
    if (!zone) continue;
    list.any = true;
    zone->path = folder + "/" + entry;
    zone->name = clean_name(read_word(system, zone->path + "/name"));
    zone->part = part_of(zone->name, zone->sub_index >= 0);
    if (!zone->name.empty()) named.push_back(std::move(*zone));
  }
  for (const Zone& zone : named) {
    const Zone* parent = find_parent(named, zone);
    if (parent == nullptr || is_counted_elsewhere(named, zone, *parent)) continue;
    list.zones.push_back(zone);
    list.zones.back().domain_name = domain_name(zone, parent->name);
  }
  return list;
}

/// Why a zone that matters gives no number.
Probe fail_zone(Probe probe, const std::string& path, const FileText& file) {
  using State = EnergySource::State;
  if (file.state == FileText::State::kDenied) {
    return fail_probe(std::move(probe), State::kDenied, path + ": permission denied",
                      powercap_remedy());
  }
  return fail_probe(std::move(probe), State::kNotCounting,
                    file.ok() ? fmt::format("{}: '{}' is not a number", path, clean_name(file.text))
                              : fmt::format("{}: {}", path, file.error));
}

}  // namespace

Probe probe_powercap(System& system, const EnergyOptions& options) {
  using State = EnergySource::State;
  Probe probe;
  const std::string folder = options.sysfs_root + "/class/powercap";
  probe.source.detail = folder;
  const ZoneList list = find_zones(system, folder);
  if (list.zones.empty()) {
    return fail_probe(std::move(probe), State::kMissing,
                      list.any
                          ? folder + ": the zones are hidden, as containers do"
                          : folder + " has no intel-rapl zone, as on virtual machines and ARM");
  }
  std::vector<RaplPart> parts;
  for (const Zone& zone : list.zones) parts.push_back(zone.part);
  const std::vector<bool> counted = rapl_counted(parts);
  if (std::find(counted.begin(), counted.end(), true) == counted.end()) {
    return fail_probe(std::move(probe), State::kMissing,
                      folder + " has no zone of a whole processor");
  }
  parts.clear();
  for (size_t i = 0; i < list.zones.size(); ++i) {
    const Zone& zone = list.zones[i];
    const std::string path = zone.path + "/energy_uj";
    const FileText file = system.read_file(path);
    const auto first = file.ok() ? parse_value(file.text) : std::nullopt;
    if (!first) {
      if (!counted[i]) continue;  // no loss for the total
      return fail_zone(std::move(probe), path, file);
    }
    const auto range = parse_value(read_word(system, zone.path + "/max_energy_range_uj"));
    probe.domains.push_back({{zone.domain_name, counted[i]},
                             std::make_unique<PowercapCounter>(system, path, range, *first)});
    parts.push_back(zone.part);
  }
  probe.repeat_seconds = kRepeatSeconds;
  return finish_rapl_probe(system, std::move(probe), parts);
}

}  // namespace tern::energy
