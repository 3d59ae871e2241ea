// Figures of energy as the commands print them. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "json_output.h"
#include "tern/energy.h"

namespace tern::tools {

/// Joules for each of n_tokens; none when there is no figure or no token.
std::optional<double> joules_per_token(const EnergyFigure& figure, double n_tokens);

/// {"kind", "joules", "seconds", "watts", "domains": [{"name", "counted", "joules"}]}, or
/// {"kind": "not available", "reason"}.
Json energy_json(const EnergyFigure& figure);

/// "12.3 J (measured), 4.10 W, 0.250 J per token", or "not available: reason". Without tokens
/// nothing is said about them.
std::string energy_text(const EnergyFigure& figure, size_t n_tokens);

/// For a meter that has none: "energy: not available: reason", and what to do about it.
std::vector<std::string> missing_meter_lines(const EnergyMeter& meter);

}  // namespace tern::tools
