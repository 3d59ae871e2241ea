// Pictures of bench results as standalone SVG, for light and dark backgrounds. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "measure/bench_report.h"
#include "measure/statistics.h"

namespace tern::tools {

struct Comparison;  // bench_compare.h

/// Tokens a second of prefill and decode, a panel each: over the threads where a sweep has several
/// thread counts, else over the depth where it has several, else a bar per row. Medians with
/// whiskers from the slowest to the fastest repetition, and what memory bandwidth and dot-product
/// peak allow.
std::string plot_svg(const measure::BenchReport& report);

/// One side of a comparison. low and high: whiskers, for example the slowest and the fastest run.
struct ComparisonBar {
  double value = 0.0, low = 0.0, high = 0.0;
};

/// One thing that was compared: "decode 64, 2 threads".
struct ComparisonGroup {
  std::string label;
  std::optional<ComparisonBar> a, b;       // none: not measured
  std::optional<measure::Interval> ratio;  // a / b with its confidence interval
};

struct ComparisonChart {
  std::string title;           // "tern bench --compare"
  std::string unit;            // "tokens/s"
  std::string name_a, name_b;  // commands or engines
  std::vector<ComparisonGroup> groups;
  std::vector<std::string> caption;  // lines beneath: machine, model, how often
};

/// What --compare found, A being the run that `report` is of.
ComparisonChart make_chart(const Comparison& comparison, const measure::BenchReport& report);

/// Two bars per group and their ratio. Groups of much different size have scales of their own.
std::string plot_svg(const ComparisonChart& chart);

}  // namespace tern::tools
