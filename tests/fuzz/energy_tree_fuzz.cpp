// Any bytes as the files of /sys that energy is read from: sources are listed, a meter is opened
// and asked for a few figures, which are never negative or beyond what a counter can say.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "energy/meter.h"
#include "energy/source.h"
#include "tests/energy/fake_system.h"
#include "tests/fuzz/input.h"

namespace {

using namespace tern;

// Where sources look. The first byte of a file in the input chooses the place, what follows up to a
// NUL byte is its text.
constexpr const char* kPlaces[] = {
    "/sys/class/powercap/intel-rapl:0/name",
    "/sys/class/powercap/intel-rapl:0/energy_uj",
    "/sys/class/powercap/intel-rapl:0/max_energy_range_uj",
    "/sys/class/powercap/intel-rapl:0:0/name",
    "/sys/class/powercap/intel-rapl:0:0/energy_uj",
    "/sys/class/powercap/intel-rapl:0:0/max_energy_range_uj",
    "/sys/class/powercap/intel-rapl:1/name",
    "/sys/class/powercap/intel-rapl:1/energy_uj",
    "/sys/class/powercap/intel-rapl:1/max_energy_range_uj",
    "/sys/bus/event_source/devices/power/type",
    "/sys/bus/event_source/devices/power/cpumask",
    "/sys/bus/event_source/devices/power/events/energy-pkg",
    "/sys/bus/event_source/devices/power/events/energy-pkg.scale",
    "/sys/bus/event_source/devices/power/events/energy-pkg.unit",
    "/sys/class/hwmon/hwmon0/name",
    "/sys/class/hwmon/hwmon0/energy1_input",
    "/sys/class/hwmon/hwmon0/energy1_label",
    "/sys/class/hwmon/hwmon0/power1_input",
    "/sys/class/hwmon/hwmon0/power1_label",
    "/sys/class/power_supply/BAT0/type",
    "/sys/class/power_supply/BAT0/scope",
    "/sys/class/power_supply/BAT0/status",
    "/sys/class/power_supply/BAT0/energy_now",
    "/sys/class/power_supply/BAT0/power_now",
    "/sys/class/power_supply/BAT0/voltage_now",
    "/sys/class/power_supply/BAT0/charge_now",
    "/proc/cpuinfo",
};

void set_file(energy::FakeSystem& system, test::FuzzInput& input) {
  const char* place = kPlaces[input.below(std::size(kPlaces))];
  system.set(place, std::string(input.text()).substr(0, energy::kMaxFileBytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  test::FuzzInput input(data, size);
  const auto system = std::make_shared<energy::FakeSystem>();
  const size_t n_files = 1 + input.below(16);
  for (size_t i = 0; i < n_files; ++i) set_file(*system, input);
  const EnergyOptions options;
  for (const EnergySource& source : energy::list_sources(options, *system)) {
    if (source.name.empty()) std::abort();
  }
  const auto meter = energy::open_meter(options, system);
  for (int i = 0; i < 3 && !input.empty(); ++i) {
    EnergyAccumulator accumulator(*meter);
    accumulator.begin();
    system->advance(1.5);
    // A counter moves, or its file becomes something else.
    set_file(*system, input);
    accumulator.end();
    const EnergyFigure figure = accumulator.figure();
    if (figure.kind == EnergyKind::kNotAvailable) continue;
    if (!(figure.joules >= 0.0) || !std::isfinite(figure.joules)) std::abort();
    if (!(figure.seconds > 0.0)) std::abort();
  }
  return 0;
}
