// What the pictures of bench results have in common: style, title, legend, caption, axes. Internal
// to plot_*.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plot_scale.h"
#include "svg.h"

namespace tern::tools::plot {

inline constexpr double kWidth = 920.0;
inline constexpr double kMargin = 20.0;
inline constexpr double kFontSize = 11.0;   // of axes, legend and caption, as in the style sheet
inline constexpr double kTitleSize = 16.0;  // of the title
inline constexpr double kPanelTitleSize = 13.0;
inline constexpr double kLineHeight = 15.0;

/// Classes: background, ink, muted, title, panel, small, strong, grid, axis, whisker; stroke0 to
/// stroke5 and fill0 to fill5 for series; "limit dashes" and "limit dots" with
/// bandwidth and compute (or the stroke of a series) for limits, bandwidth-ink and compute-ink for
/// their names. Colours of Okabe and Ito,
/// https://jfly.uni-koeln.de/color/, which people with every kind of colour vision tell apart,
/// darker or lighter where the background asks for it; what they say is also said by dashes and
/// shapes.
std::string_view style_sheet();
inline constexpr size_t kSeriesColours = 6;
inline constexpr size_t kMarkerShapes = 4;
inline constexpr size_t kDistinctSeries = kSeriesColours * kMarkerShapes;

/// "stroke2" and the like for a series; colours repeat after kSeriesColours.
std::string stroke_class(size_t series);
std::string fill_class(size_t series);
/// Shapes differ between series that share a colour, and between the first ones too.
void draw_marker(Svg& svg, SvgPoint at, size_t series);

/// Draws title and subtitle lines; returns the y beneath them.
double draw_title(Svg& svg, const std::string& title);
/// Text broken at spaces into lines of at most that width, except for words that are wider, and the
/// last line, which takes what is left. Never empty.
std::vector<std::string> wrap_lines(const std::string& text, double font_size, double width,
                                    size_t max_lines);
/// Wrapped lines at the bottom; returns the height of the picture.
double draw_caption(Svg& svg, const std::vector<std::string>& lines, double y);

struct LegendItem {
  enum class Sample { kSeries, kBar, kWhisker, kBandwidth, kCompute } sample = Sample::kSeries;
  size_t series = 0;
  std::string label;
};
/// Items beside each other, as many as fit; returns the y beneath them.
double draw_legend(Svg& svg, const std::vector<LegendItem>& items, double y);

/// Horizontal grid lines with labels to the left of `box`, and vertical ones with labels beneath.
void draw_y_axis(Svg& svg, const SvgBox& box, const std::vector<double>& ticks,
                 const PlotScale& scale);
void draw_x_axis(Svg& svg, const SvgBox& box, const std::vector<double>& ticks,
                 const PlotScale& scale);

/// A line from low to high with caps.
void draw_vertical_whisker(Svg& svg, double x, double y_low, double y_high);
void draw_horizontal_whisker(Svg& svg, double y, double x_low, double x_high);

}  // namespace tern::tools::plot
