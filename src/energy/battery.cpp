// Batteries: what the whole machine took out of them, screen and disks included. Only while nothing
// charges them; slow, as the charge is told in steps of about 10 mWh (36 J) and every few seconds.
// Documentation/ABI/testing/sysfs-class-power of the kernel describes the files.
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/result.h"
#include "energy/source.h"
#include "energy/text.h"

namespace tern::energy {
namespace {

// At 10 W a step of 36 J is 3.6 s: two of them, at both ends, are little in five minutes.
constexpr double kWindowSeconds = 300.0;
// Often enough that a charger between two readings is seen.
constexpr double kBatteryRepeatSeconds = 10.0;

constexpr double kJoulesPerMicrowattHour = 3600.0 * 1e-6;

struct Supplies {
  std::vector<std::string> batteries;  // names of the folders
  bool any_discharging = false;
  std::string charger;  // what gives power: "AC is online"; "" when nothing does
};

Supplies find_supplies(System& system, const std::string& folder) {
  Supplies found;
  for (const std::string& name : system.list_folder(folder)) {
    // The kernel gives none that messages could not repeat.
    if (clean_name(name) != name) continue;
    const std::string supply = folder + "/" + name;
    const std::string type = read_word(system, supply + "/type");
    // Mice and pens have batteries too.
    if (read_word(system, supply + "/scope") == "Device") continue;
    if (type == "Battery") {
      if (read_word(system, supply + "/present") == "0") continue;
      const std::string status = read_word(system, supply + "/status");
      found.batteries.push_back(name);
      found.any_discharging |= status == "Discharging";
      if (status == "Charging") found.charger = name + " is charging";
    } else if (type == "Mains" || type.starts_with("USB") || type == "Wireless") {
      if (read_word(system, supply + "/online") == "1") {
        found.charger = name + " is online";
      }
    }
  }
  return found;
}

/// "" while the batteries alone feed the machine.
std::string why_not_draining(const Supplies& supplies) {
  if (!supplies.charger.empty()) return "the machine is on mains: " + supplies.charger;
  return supplies.any_discharging ? "" : "no battery is discharging";
}

/// What a battery holds. Where there is no energy_now, charge and voltage: what flows between two
/// readings is taken at the mean of both voltages, which is exact for a voltage that sinks evenly.
/// Readings are ten seconds apart and a battery loses a fraction of a percent of its voltage in
/// between, so what is uneven about it does not matter beside the steps of the charge.
struct Level {
  uint64_t amount = 0;  // uWh, or uAh with a voltage
  double volts = 0.0;   // 0: amount is energy
};

Result<Level> read_level(System& system, const std::string& battery) {
  Level level;
  const std::string energy_path = battery + "/energy_now";
  if (system.read_file(energy_path).state != FileText::State::kMissing) {
    TERN_ASSIGN_OR_RETURN(level.amount, read_number(system, energy_path));
    return level;
  }
  TERN_ASSIGN_OR_RETURN(level.amount, read_number(system, battery + "/charge_now"));
  TERN_ASSIGN_OR_RETURN(const uint64_t microvolts, read_number(system, battery + "/voltage_now"));
  if (microvolts == 0) {
    return make_error(ErrorCode::kNotAvailable, "{}/voltage_now: is 0", battery);
  }
  level.volts = static_cast<double>(microvolts) * 1e-6;
  return level;
}

class BatteryCounter : public Counter {
 public:
  BatteryCounter(System& system, std::string folder, std::string battery, Level first)
      : system_(system), folder_(std::move(folder)), battery_(std::move(battery)), last_(first) {}

  Result<double> read() override {
    const std::string why = why_not_draining(find_supplies(system_, folder_));
    if (!why.empty()) return make_error(ErrorCode::kNotAvailable, "{}", why);
    TERN_ASSIGN_OR_RETURN(const Level now, read_level(system_, battery_));
    if (now.amount > last_.amount || (now.volts > 0.0) != (last_.volts > 0.0)) {
      return make_error(ErrorCode::kNotAvailable, "{}: the battery holds more than before",
                        battery_);
    }
    const double used = static_cast<double>(last_.amount - now.amount) * kJoulesPerMicrowattHour;
    joules_ += now.volts > 0.0 ? used * 0.5 * (last_.volts + now.volts) : used;
    last_ = now;
    return joules_;
  }

 private:
  System& system_;
  const std::string folder_;
  const std::string battery_;
  Level last_;
  double joules_ = 0.0;
};

}  // namespace

Probe probe_battery(System& system, const EnergyOptions& options) {
  using State = EnergySource::State;
  Probe probe;
  const std::string folder = options.sysfs_root + "/class/power_supply";
  probe.source.detail = folder;
  const Supplies supplies = find_supplies(system, folder);
  if (supplies.batteries.empty()) {
    return fail_probe(std::move(probe), State::kMissing, folder + " has no battery");
  }
  const std::string why = why_not_draining(supplies);
  if (!why.empty()) {
    return fail_probe(std::move(probe), State::kNotCounting, why,
                      "unplug the charger and measure for five minutes or longer");
  }
  for (const std::string& name : supplies.batteries) {
    const std::string battery = folder + "/" + name;
    const Result<Level> level = read_level(system, battery);
    if (!level) return fail_probe(std::move(probe), State::kNotCounting, level.error().message);
    probe.domains.push_back(
        {{name, true}, std::make_unique<BatteryCounter>(system, folder, battery, *level)});
  }
  probe.source.state = State::kUsable;
  probe.source.detail += ": " + describe_domains(probe.domains) + " (the whole machine)";
  probe.min_window_seconds = kWindowSeconds;
  probe.repeat_seconds = kBatteryRepeatSeconds;
  return probe;
}

}  // namespace tern::energy
