// What makes a result doubtful, said beside it. Pure functions on a finished report.
#pragma once

#include "measure/bench_report.h"

namespace tern::measure {

/// Largest spread (interquartile range / median) that passes without a note.
inline constexpr double kQuietSpread = 0.05;

/// Adds notes to the rows and to the report: samples that vary, too few of them, a share of a limit
/// above 1, a busy machine, a governor or a battery that slows it, limits that moved while rows
/// were measured, more threads than cores.
void add_noise_notes(BenchReport& report);

/// A note where two measurements of the same limits, before and after the rows, differ by more than
/// a tenth; "" where they agree.
std::string limits_drift(const MachineLimits& before, const MachineLimits& after);

}  // namespace tern::measure
