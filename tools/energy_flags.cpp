#include "energy_flags.h"

#include <fmt/format.h>

#include <cmath>

#include "base/result.h"
#include "escape.h"
#include "option_parsers.h"
#include "settings.h"
#include "system_roots.h"
#include "value_parsers.h"

namespace tern::tools {

bool EnergyFlags::is_wanted(OutputFormat format, bool verbose) const {
  return format != OutputFormat::kText || verbose || require || power_watts > 0.0f;
}

EnergyOptions EnergyFlags::options() const {
  EnergyOptions options;
  options.power_watts = static_cast<double>(power_watts);
  const Environment environment = process_environment();
  options.sysfs_root = sysfs_root(environment);
  options.procfs_root = procfs_root(environment);
  return options;
}

void add_energy_flags(CLI::App& app, EnergyFlags& flags) {
  const char* group = "Energy";
  app.add_option(
         "--power-watts",
         [&flags](const CLI::results_t& results) {
           const auto value = parse_float(results[0]);
           if (!value || !std::isfinite(*value) || *value <= 0.0f) {
             throw CLI::ValidationError(fmt::format(
                 "--power-watts: {} is not a number of watts above 0", quote(results[0])));
           }
           flags.power_watts = *value;
           return true;
         },
         "Power of this machine as you measured it; energy is then this times time")
      ->option_text("W")
      ->group(group);
  add_switch(app, "--require-energy", flags.require,
             "Fail with exit code 9 when energy cannot be measured")
      ->group(group);
}

Result<std::unique_ptr<EnergyMeter>> open_meter(const EnergyFlags& flags) {
  std::unique_ptr<EnergyMeter> meter = EnergyMeter::open(flags.options());
  if (flags.require && meter->kind() == EnergyKind::kNotAvailable) {
    return with_hint(
        make_error(ErrorCode::kNotAvailable, "energy cannot be measured: {}", meter->reason()),
        meter->remedy().empty() ? "give the power of the machine with --power-watts"
                                : meter->remedy());
  }
  return meter;
}

Result<void> check_required(const EnergyFlags& flags, const EnergyFigure& figure) {
  if (!flags.require || figure.kind != EnergyKind::kNotAvailable) return {};
  return make_error(ErrorCode::kNotAvailable, "the energy of this run is not available: {}",
                    figure.reason);
}

}  // namespace tern::tools
