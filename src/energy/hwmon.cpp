// Sensors of hwmon: counters of energy (energyN_input, microjoules) and, where a chip has none,
// sensors of power (powerN_average, powerN_input, microwatts), which the meter samples.
// Documentation/hwmon/sysfs-interface.rst of the kernel describes the files.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "energy/hwmon_rules.h"
#include "energy/remedies.h"
#include "energy/source.h"
#include "energy/text.h"

namespace tern::energy {
namespace {

// Some service processors refresh their counters once a second.
constexpr double kSensorPatienceSeconds = 1.5;
// How often power is sampled: a few times in the shortest window, and cheap.
constexpr double kSampleSeconds = 0.1;
// Longer without a sample, and the sum would be a guess.
constexpr double kMaxGapSeconds = 2.0;

class HwmonEnergyCounter : public Counter {
 public:
  HwmonEnergyCounter(System& system, std::string path, uint64_t first_uj)
      : system_(system), path_(std::move(path)), last_uj_(first_uj) {}

  Result<double> read() override {
    TERN_ASSIGN_OR_RETURN(const uint64_t now_uj, read_number(system_, path_));
    if (now_uj < last_uj_) {
      // hwmon tells no range; drivers carry their counters to 64 bits.
      return make_error(ErrorCode::kNotAvailable, "{}: fell from {} to {}", path_, last_uj_,
                        now_uj);
    }
    joules_ += static_cast<double>(now_uj - last_uj_) * 1e-6;
    last_uj_ = now_uj;
    return joules_;
  }

 private:
  System& system_;
  const std::string path_;
  uint64_t last_uj_;
  double joules_ = 0.0;
};

/// Energy as the sum of power over time: the mean of two samples times what lies between them.
class HwmonPowerCounter : public Counter {
 public:
  HwmonPowerCounter(System& system, std::string path, uint64_t first_uw)
      : system_(system),
        path_(std::move(path)),
        last_uw_(first_uw),
        last_seconds_(system.now_seconds()) {}

  Result<double> read() override {
    TERN_ASSIGN_OR_RETURN(const uint64_t now_uw, read_number(system_, path_));
    const double now = system_.now_seconds();
    const double seconds = now - last_seconds_;
    if (seconds > kMaxGapSeconds) {
      return make_error(ErrorCode::kNotAvailable, "{}: no sample of the power for {:.1f} s", path_,
                        seconds);
    }
    joules_ += (static_cast<double>(last_uw_) + static_cast<double>(now_uw)) * 0.5e-6 * seconds;
    last_uw_ = now_uw;
    last_seconds_ = now;
    return joules_;
  }

 private:
  System& system_;
  const std::string path_;
  uint64_t last_uw_;
  double last_seconds_;
  double joules_ = 0.0;
};

/// A sensor that may be counted.
struct Sensor {
  std::string chip;    // folder
  std::string driver;  // "amd_energy"
  std::string label;   // "Esocket0"; may be ""
  std::string file;    // "energy17_input"
  bool is_energy = false;
  HwmonPart part = HwmonPart::kOther;

  std::string path() const { return chip + "/" + file; }
  std::string name() const { return label.empty() ? driver : driver + " " + label; }
};

void add_sensors(System& system, const std::string& chip, std::vector<Sensor>& sensors) {
  const std::string driver = clean_name(read_word(system, chip + "/name"));
  if (driver.empty()) return;
  const std::vector<std::string> files = system.list_folder(chip);
  for (const std::string& file : files) {
    const bool is_energy = number_in(file, "energy", "_input").has_value();
    const bool is_average = number_in(file, "power", "_average").has_value();
    if (!is_energy && !is_average && !number_in(file, "power", "_input")) continue;
    const std::string stem = file.substr(0, file.rfind('_'));
    // The mean over the sensor's own interval is the better of two readings.
    if (!is_energy && !is_average &&
        std::find(files.begin(), files.end(), stem + "_average") != files.end()) {
      continue;
    }
    if (read_word(system, chip + "/" + stem + "_is_battery") == "1") continue;
    Sensor sensor{chip, driver, clean_name(read_word(system, chip + "/" + stem + "_label")), file,
                  is_energy};
    sensor.part = hwmon_part(driver, sensor.label);
    if (sensor.part != HwmonPart::kOther) sensors.push_back(std::move(sensor));
  }
}

/// The lower, the better: counters before samples, processors before the whole machine (which also
/// pays for screen and disks).
int rank(const Sensor& sensor) {
  return (sensor.part == HwmonPart::kPackage ? 0 : 2) + (sensor.is_energy ? 0 : 1);
}

/// The sensors to add up: those of one driver, so that nothing that two drivers measure counts
/// twice; all processors of it, or one of the whole machine.
std::vector<Sensor> choose(std::vector<Sensor> sensors) {
  std::stable_sort(sensors.begin(), sensors.end(),
                   [](const Sensor& a, const Sensor& b) { return rank(a) < rank(b); });
  const Sensor first = sensors.front();
  std::erase_if(sensors, [&first](const Sensor& sensor) {
    return rank(sensor) != rank(first) || sensor.driver != first.driver;
  });
  if (first.part == HwmonPart::kSystem) sensors.resize(1);
  return sensors;
}

Probe fail_denied(Probe probe, const std::vector<Sensor>& chosen, const std::string& path) {
  std::vector<std::string> files;
  for (const Sensor& sensor : chosen) {
    // Several chips of a driver have the same files; the rule is for all of them.
    if (std::find(files.begin(), files.end(), sensor.file) == files.end()) {
      files.push_back(sensor.file);
    }
  }
  const std::string& driver = chosen.front().driver;
  return fail_probe(std::move(probe), EnergySource::State::kDenied, path + ": permission denied",
                    is_plain_word(driver) ? hwmon_remedy(driver, files) : std::string());
}

}  // namespace

Probe probe_hwmon(System& system, const EnergyOptions& options) {
  using State = EnergySource::State;
  Probe probe;
  const std::string folder = options.sysfs_root + "/class/hwmon";
  probe.source.detail = folder;
  std::vector<Sensor> sensors;
  for (const std::string& entry : system.list_folder(folder)) {
    if (number_in(entry, "hwmon", "")) add_sensors(system, folder + "/" + entry, sensors);
  }
  if (sensors.empty()) {
    return fail_probe(std::move(probe), State::kMissing,
                      folder +
                          " has no sensor that is labelled as that of a processor or of the "
                          "whole machine");
  }
  const std::vector<Sensor> chosen = choose(std::move(sensors));
  for (const Sensor& sensor : chosen) {
    const std::string path = sensor.path();
    if (system.read_file(path).state == FileText::State::kDenied) {
      return fail_denied(std::move(probe), chosen, path);
    }
    const Result<uint64_t> first = read_number(system, path);
    if (!first) {
      return fail_probe(std::move(probe), State::kNotCounting, first.error().message);
    }
    Domain domain{{sensor.name(), true}, nullptr};
    if (sensor.is_energy) {
      domain.counter = std::make_unique<HwmonEnergyCounter>(system, path, *first);
    } else if (*first > 0) {
      domain.counter = std::make_unique<HwmonPowerCounter>(system, path, *first);
    } else {
      return fail_probe(std::move(probe), State::kNotCounting, path + ": shows no power");
    }
    probe.domains.push_back(std::move(domain));
  }
  const bool is_energy = chosen.front().is_energy;
  if (is_energy) {
    const Result<std::vector<size_t>> standing =
        find_standing(system, probe.domains, kSensorPatienceSeconds);
    if (!standing) {
      return fail_probe(std::move(probe), State::kNotCounting, standing.error().message);
    }
    if (!standing->empty()) {
      std::string reason =
          "the counter stands still: " + probe.domains[standing->front()].info.name;
      return fail_probe(std::move(probe), State::kNotCounting, std::move(reason));
    }
  }
  probe.source.state = State::kUsable;
  probe.source.detail += ": " + describe_domains(probe.domains);
  if (chosen.front().part == HwmonPart::kSystem) probe.source.detail += " (the whole machine)";
  if (!is_energy) probe.source.detail += fmt::format(", power sampled every {} s", kSampleSeconds);
  probe.min_window_seconds = kCounterWindowSeconds;
  probe.repeat_seconds = is_energy ? 0.0 : kSampleSeconds;
  return probe;
}

}  // namespace tern::energy
