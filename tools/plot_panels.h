// The panels of a bench plot: what is to be drawn, as plain values, and how. Internal to plot*.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plot_parts.h"

namespace tern::tools::plot {

/// One measurement. Rates in tokens a second; a limit without value is not known.
struct Point {
  double x = 0.0;
  double y = 0.0, low = 0.0, high = 0.0;
  std::optional<double> bandwidth_limit, compute_limit;
};

/// Points with growing x.
struct Series {
  std::string label;  // "depth 4096"; may be empty when it is the only one
  std::vector<Point> points;
};

/// Lines over an axis.
struct LinePanel {
  std::string title;    // "prefill"
  std::string x_label;  // "threads"
  std::vector<Series> series;
};

/// Bars with one label each; no point: this row has none.
struct BarPanel {
  std::string title;
  std::vector<std::optional<Point>> bars;
};

/// Which limits a panel shows as lines, for the legend.
struct ShownLimits {
  bool bandwidth = false, compute = false;
};

/// Fills `area`, texts included.
ShownLimits draw_line_panel(Svg& svg, const LinePanel& panel, const SvgBox& area);

/// Panels beside each other with labels to the left; they begin at y. Returns the y beneath.
double draw_bar_panels(Svg& svg, const std::vector<std::string>& labels,
                       const std::vector<BarPanel>& panels, double y, ShownLimits& shown);

/// One of the limits that a panel shows: where a point has it, and how it is drawn.
struct LimitKind {
  const char* name;
  std::optional<double> Point::*member;
  const char* pattern;  // class of its line
};
inline constexpr LimitKind kBandwidth = {"bandwidth", &Point::bandwidth_limit, "dashes"};
inline constexpr LimitKind kCompute = {"compute", &Point::compute_limit, "dots"};

/// Whether there is room for a limit on an axis that has to show `largest`, a median or the end of
/// a whisker: one far away would leave only a small part of the picture to what was measured.
inline bool is_near(double limit, double largest) { return limit <= 2.5 * largest; }

}  // namespace tern::tools::plot
