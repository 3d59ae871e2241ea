#include "threading/machine_state.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

#include "base/system_file.h"
#include "threading/topology.h"

namespace tern {
namespace {

/// One word for all CPUs, or how many have which: "mixed: performance 4, powersave 8".
std::string common_setting(const std::string& sysfs_root, const std::vector<int>& usable,
                           const char* file) {
  std::map<std::string, int> counts;
  for (int cpu : usable) {
    const std::string value = first_line(sysfs_root + "/devices/system/cpu/cpu" +
                                         std::to_string(cpu) + "/cpufreq/" + file);
    if (!value.empty()) ++counts[value];
  }
  if (counts.empty()) return "";
  if (counts.size() == 1) return counts.begin()->first;
  std::string text = "mixed:";
  for (const auto& [value, count] : counts) {
    text += (text.back() == ':' ? " " : ", ") + value + " " + std::to_string(count);
  }
  return text;
}

/// Chargers count whatever their plug; "online" is 2 for a USB-C supply with a variable voltage. A
/// battery of a mouse or headset has the scope "Device" and says nothing about this machine.
std::string power_source(const std::string& sysfs_root) {
  bool charger = false;
  bool charger_online = false;
  bool battery = false;
  bool discharging = false;
  bool status_known = false;
  for (const std::string& supply : folder_entries(sysfs_root + "/class/power_supply")) {
    if (first_line(supply + "/scope") == "Device") continue;
    const std::string type = first_line(supply + "/type");
    if (type == "Mains" || type.starts_with("USB") || type == "Wireless") {
      const auto online = read_u64(supply + "/online");
      charger = charger || online.has_value();
      charger_online = charger_online || online.value_or(0) > 0;
    } else if (type == "Battery" && read_u64(supply + "/present").value_or(1) != 0) {
      const std::string status = first_line(supply + "/status");
      battery = true;
      status_known = status_known || (!status.empty() && status != "Unknown");
      discharging = discharging || status == "Discharging";
    }
  }
  if (charger_online) return "mains";
  if (!battery) return "";
  if (discharging) return "battery";
  // Charging, full or held below full: the power comes from outside, whatever the charger says.
  if (status_known) return "mains";
  return charger ? "battery" : "";
}

/// Millidegrees as drivers report them; a sensor that is not wired shows 0 or nonsense.
std::optional<double> read_celsius(const std::string& path) {
  const auto value = read_i64(path);
  if (!value || *value <= 0 || *value >= 150000) return std::nullopt;
  return static_cast<double>(*value) / 1000.0;
}

/// Drivers of CPU sensors, and the labels that stand for the whole package, best first. Tctl may
/// lie some degrees above the silicon, so Tdie comes before it. Old CPUs have sensors in their
/// cores alone. "" is a sensor without a label.
struct CpuSensor {
  const char* driver;
  std::array<const char*, 3> labels;
};
constexpr std::array kCpuSensors = {
    CpuSensor{"coretemp", {"Package id", "Core ", nullptr}},
    CpuSensor{"k10temp", {"Tdie", "Tctl", ""}},
    CpuSensor{"zenpower", {"Tdie", "Tctl", nullptr}},
    CpuSensor{"cpu_thermal", {"", nullptr, nullptr}},
};

/// The hottest sensor of the best label that the driver's folder has.
std::optional<double> hwmon_celsius(const std::string& folder, const CpuSensor& sensor) {
  for (const char* wanted : sensor.labels) {
    if (wanted == nullptr) break;
    std::optional<double> hottest;
    for (const std::string& path : folder_entries(folder)) {
      const std::string_view name = std::string_view(path).substr(folder.size() + 1);
      constexpr std::string_view kSuffix = "_input";
      if (!name.starts_with("temp") || !name.ends_with(kSuffix)) continue;
      const std::string label = first_line(path.substr(0, path.size() - kSuffix.size()) + "_label");
      if (*wanted == '\0' ? !label.empty() : !label.starts_with(wanted)) continue;
      const auto celsius = read_celsius(path);
      if (celsius && (!hottest || *celsius > *hottest)) hottest = celsius;
    }
    if (hottest) return hottest;
  }
  return std::nullopt;
}

/// The hottest package of all sockets. No other sensor stands in for it: that of a disk or of the
/// board would look just as plausible.
std::optional<double> cpu_celsius(const std::string& sysfs_root) {
  std::optional<double> hottest;
  const auto consider = [&hottest](std::optional<double> celsius) {
    if (celsius && (!hottest || *celsius > *hottest)) hottest = celsius;
  };
  for (const NumberedEntry& hwmon : numbered_entries(sysfs_root + "/class/hwmon", "hwmon")) {
    const std::string name = first_line(hwmon.path + "/name");
    for (const CpuSensor& sensor : kCpuSensors) {
      if (name == sensor.driver) consider(hwmon_celsius(hwmon.path, sensor));
    }
  }
  if (hottest) return hottest;
  for (const NumberedEntry& zone :
       numbered_entries(sysfs_root + "/class/thermal", "thermal_zone")) {
    const std::string type = first_line(zone.path + "/type");
    if (type == "x86_pkg_temp" || type == "cpu-thermal" || type == "cpu_thermal") {
      consider(read_celsius(zone.path + "/temp"));
    }
  }
  return hottest;
}

}  // namespace

MachineState read_machine_state(const std::string& sysfs_root, const std::vector<int>& usable) {
  MachineState state;
  state.governor = common_setting(sysfs_root, usable, "scaling_governor");
  state.energy_preference = common_setting(sysfs_root, usable, "energy_performance_preference");
  state.power_source = power_source(sysfs_root);
  state.temperature_celsius = cpu_celsius(sysfs_root);
  double load = 0.0;
  if (::getloadavg(&load, 1) == 1) state.load_average = load;
  return state;
}

MachineState machine_state(const std::string& sysfs_root) {
  return read_machine_state(sysfs_root, usable_cpus(sysfs_root));
}

}  // namespace tern
