// Where a value is drawn, and which round values are labelled. Pure functions over finite values.
#pragma once

#include <string>
#include <vector>

namespace tern::tools {

/// What is larger is no measurement, and a step further would leave the range of a double.
inline constexpr double kLargestPlotted = 1e300;

/// Round values from 0 to at least `max`, 1, 2 or 5 times a power of ten apart, `n_wanted` of them
/// or a few more or less. From 0 to 1 when `max` is 0 or next to it. REQUIRES: 0 <= max <=
/// kLargestPlotted; n_wanted >= 2.
std::vector<double> nice_ticks(double max, int n_wanted);

/// Labels of ticks, all with as many decimals as their distance needs: "0", "50", "100"; "2e-09".
std::vector<std::string> tick_labels(const std::vector<double>& ticks);

/// Maps [from, to] onto pixels [pixel_from, pixel_to], which may run the other way.
class PlotScale {
 public:
  /// REQUIRES: from < to; with `logarithmic`, 0 < from.
  PlotScale(double from, double to, double pixel_from, double pixel_to, bool logarithmic = false);
  double operator()(double value) const;

 private:
  double from_, to_, pixel_from_, pixel_to_;
  bool logarithmic_;
};

}  // namespace tern::tools
