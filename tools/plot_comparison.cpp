#include <fmt/format.h>

#include <algorithm>

#include "escape.h"
#include "figures.h"
#include "plot.h"
#include "plot_parts.h"

namespace tern::tools {
namespace {

using plot::kFontSize;
using plot::kLineHeight;
using plot::kMargin;
using plot::kWidth;

constexpr double kLabelSpace = 210.0, kValueSpace = 60.0, kRatioSpace = 130.0;
constexpr double kBarHeight = 16.0, kBarGap = 4.0;
constexpr double kGroupHeight = 2 * kBarHeight + kBarGap + 34.0;

bool is_sound(const std::optional<ComparisonBar>& bar) {
  // False for NaN too.
  const auto can_be_drawn = [](double rate) { return rate >= 0.0 && rate <= kLargestPlotted; };
  return bar && can_be_drawn(bar->value) && can_be_drawn(bar->low) && can_be_drawn(bar->high);
}

double largest(const ComparisonGroup& group) {
  double value = 0.0;
  for (const auto& bar : {group.a, group.b}) {
    if (is_sound(bar)) value = std::max({value, bar->value, bar->high});
  }
  return value;
}

/// One scale for all groups unless the bars of some would be too short to compare.
bool share_scale(const std::vector<ComparisonGroup>& groups) {
  constexpr double kTooFarApart = 4.0;
  double least = 0.0, most = 0.0;
  for (const ComparisonGroup& group : groups) {
    const double value = largest(group);
    if (value <= 0.0) continue;
    least = least == 0.0 ? value : std::min(least, value);
    most = std::max(most, value);
  }
  return most <= kTooFarApart * least;
}

void draw_bar(Svg& svg, const std::optional<ComparisonBar>& bar, size_t series, const SvgBox& box,
              const PlotScale& scale) {
  const double y = box.y + box.height / 2;
  const SvgPoint value_at{box.right() + kValueSpace - 6.0, y + 4.0};
  if (!is_sound(bar)) return svg.text(value_at, "-", "muted", TextAnchor::kEnd);
  svg.rectangle({box.x, box.y, scale(bar->value) - box.x, box.height}, plot::fill_class(series));
  if (bar->low < bar->high) {
    plot::draw_horizontal_whisker(svg, y, scale(bar->low), scale(bar->high));
  }
  svg.text(value_at, figure(bar->value), "", TextAnchor::kEnd);
}

/// Near 1 the thousandths count.
std::string ratio_text(double ratio) {
  constexpr double kSmall = 10.0;
  return ratio < kSmall && ratio >= 0.1 ? fmt::format("{:.3f}", ratio) : figure(ratio, 3);
}

void draw_ratio(Svg& svg, const measure::Interval& ratio, double x, double y) {
  svg.text({x, y - 4.0}, fmt::format("{} times", ratio_text(ratio.ratio)), "panel");
  svg.text({x, y + 10.0}, fmt::format("{} to {}", ratio_text(ratio.low), ratio_text(ratio.high)),
           "");
  if (ratio.low <= 1.0 && ratio.high >= 1.0) {
    svg.text({x, y + 10.0 + kLineHeight}, "no difference shown", "muted");
  }
}

void draw_group(Svg& svg, const ComparisonGroup& group, double maximum, double y) {
  const SvgBox box{kMargin + kLabelSpace, y,
                   kWidth - 2 * kMargin - kLabelSpace - kValueSpace - kRatioSpace,
                   2 * kBarHeight + kBarGap};
  constexpr int kTicks = 6;
  constexpr double kOverhang = 3.0;
  const std::vector<double> ticks = nice_ticks(maximum, kTicks);
  const PlotScale scale(0.0, ticks.back(), box.x, box.right());
  plot::draw_x_axis(svg, {box.x, box.y - kOverhang, box.width, box.height + 2 * kOverhang}, ticks,
                    scale);
  draw_bar(svg, group.a, 0, {box.x, box.y, box.width, kBarHeight}, scale);
  draw_bar(svg, group.b, 1, {box.x, box.y + kBarHeight + kBarGap, box.width, kBarHeight}, scale);
  constexpr size_t kLabelLines = 3;
  const std::vector<std::string> lines =
      plot::wrap_lines(group.label, kFontSize, kLabelSpace - 12.0, kLabelLines);
  double text_y =
      y + box.height / 2 + 4.0 - kLineHeight * (static_cast<double>(lines.size()) - 1.0) / 2;
  for (const std::string& line : lines) {
    svg.text({box.x - 12.0, text_y}, fit_svg_text(line, kFontSize, kLabelSpace - 12.0), "",
             TextAnchor::kEnd, escape_controls(line));
    text_y += kLineHeight;
  }
  if (group.ratio)
    draw_ratio(svg, *group.ratio, box.right() + kValueSpace + 16.0, y + box.height / 2);
}

}  // namespace

std::string plot_svg(const ComparisonChart& chart) {
  using Sample = plot::LegendItem::Sample;
  Svg svg(chart.title, plot::style_sheet());
  double y = plot::draw_title(svg, chart.title);
  // A line for each: names are whole commands.
  y = plot::draw_legend(svg, {{Sample::kBar, 0, "A: " + chart.name_a}}, y);
  y = plot::draw_legend(svg, {{Sample::kBar, 1, "B: " + chart.name_b}}, y - 4.0);
  y += kLineHeight + 2.0;
  svg.text({kMargin + kLabelSpace, y}, chart.unit, "muted");
  svg.text({kWidth - kMargin - kRatioSpace + 16.0, y}, "A / B, with interval", "muted");
  y += 12.0;
  double overall = 0.0;
  for (const ComparisonGroup& group : chart.groups) overall = std::max(overall, largest(group));
  const bool shared = share_scale(chart.groups);
  for (const ComparisonGroup& group : chart.groups) {
    draw_group(svg, group, shared ? overall : largest(group), y);
    y += kGroupHeight;
  }
  std::vector<std::string> caption = chart.caption;
  if (!shared) caption.insert(caption.begin(), "Every group has a scale of its own.");
  return svg.finish(kWidth, plot::draw_caption(svg, caption, y - 6.0));
}

}  // namespace tern::tools
