// Options about energy, the same in every command that measures it, and the meter they ask for.
#pragma once

#include <memory>

#include "cli_fwd.h"
#include "energy_output.h"
#include "options.h"
#include "tern/energy.h"
#include "tern/error.h"

namespace tern::tools {

struct EnergyFlags {
  float power_watts = 0.0f;  // typed by the user; 0: none
  bool require = false;

  /// Energy is measured where it is shown: always in JSON, in text with --verbose or when one of
  /// the flags asks for it.
  bool is_wanted(OutputFormat format, bool verbose) const;
  /// With the roots of system_roots.h.
  EnergyOptions options() const;
};

/// --power-watts and --require-energy.
void add_energy_flags(CLI::App& app, EnergyFlags& flags);

/// Never null. kNotAvailable, with the remedy as hint, when energy is required and there is no
/// source.
Result<std::unique_ptr<EnergyMeter>> open_meter(const EnergyFlags& flags);

/// For the end of a command: kNotAvailable when energy is required and `figure`, that of all its
/// work, is none.
Result<void> check_required(const EnergyFlags& flags, const EnergyFigure& figure);

}  // namespace tern::tools
