#include "plot_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "escape.h"

namespace tern::tools::plot {

std::string_view style_sheet() {
  return R"(text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", Arial, sans-serif;
  font-size: 11px; fill: #1f2328; }
.background { fill: #ffffff; }
.title { font-size: 16px; font-weight: 600; }
.panel { font-size: 13px; font-weight: 600; }
.strong { font-weight: 600; }
.muted { fill: #59636e; }
.grid { stroke: #dfe3e8; stroke-width: 1; }
.axis { stroke: #818b98; stroke-width: 1; }
.whisker { stroke: #1f2328; stroke-width: 1.2; }
.stroke { fill: none; stroke-width: 2; stroke-linejoin: round; }
.limit { fill: none; stroke-width: 1.6; }
.dashes { stroke-dasharray: 8 4; }
.dots { stroke-dasharray: 2 3; }
.bandwidth { stroke: #a04000; }
.compute { stroke: #6639a6; }
.bandwidth-ink { fill: #a04000; }
.compute-ink { fill: #6639a6; }
.stroke0 { stroke: #0072b2; } .fill0 { fill: #0072b2; }
.stroke1 { stroke: #d55e00; } .fill1 { fill: #d55e00; }
.stroke2 { stroke: #009e73; } .fill2 { fill: #009e73; }
.stroke3 { stroke: #b8508c; } .fill3 { fill: #b8508c; }
.stroke4 { stroke: #b58900; } .fill4 { fill: #b58900; }
.stroke5 { stroke: #4c4c4c; } .fill5 { fill: #4c4c4c; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.background { fill: #0d1117; }
.muted { fill: #9aa4af; }
.grid { stroke: #262c35; }
.axis { stroke: #6e7681; }
.whisker { stroke: #e6edf3; }
.bandwidth { stroke: #ffa657; }
.compute { stroke: #c8a6ff; }
.bandwidth-ink { fill: #ffa657; }
.compute-ink { fill: #c8a6ff; }
.stroke0 { stroke: #56b4e9; } .fill0 { fill: #56b4e9; }
.stroke1 { stroke: #f08a3c; } .fill1 { fill: #f08a3c; }
.stroke2 { stroke: #2fc99b; } .fill2 { fill: #2fc99b; }
.stroke3 { stroke: #e79cc9; } .fill3 { fill: #e79cc9; }
.stroke4 { stroke: #f0d442; } .fill4 { fill: #f0d442; }
.stroke5 { stroke: #c8ccd0; } .fill5 { fill: #c8ccd0; }
}
)";
}

std::string stroke_class(size_t series) { return fmt::format("stroke{}", series % kSeriesColours); }
std::string fill_class(size_t series) { return fmt::format("fill{}", series % kSeriesColours); }

void draw_marker(Svg& svg, SvgPoint at, size_t series) {
  constexpr double kSize = 4.0;
  const std::string fill = fill_class(series);
  // Six colours and four shapes repeat together every twelve series; moving the shapes on by one
  // then makes all 24 pairs.
  switch ((series + series / (2 * kSeriesColours)) % kMarkerShapes) {
    case 0:
      return svg.circle(at, kSize, fill);
    case 1:
      return svg.rectangle({at.x - kSize + 0.5, at.y - kSize + 0.5, 2 * kSize - 1, 2 * kSize - 1},
                           fill);
    case 2:
      return svg.polygon({{at.x, at.y - kSize - 1},
                          {at.x + kSize + 1, at.y + kSize},
                          {at.x - kSize - 1, at.y + kSize}},
                         fill);
    default:
      return svg.polygon({{at.x, at.y - kSize - 1.5},
                          {at.x + kSize + 1.5, at.y},
                          {at.x, at.y + kSize + 1.5},
                          {at.x - kSize - 1.5, at.y}},
                         fill);
  }
}

double draw_title(Svg& svg, const std::string& title) {
  const double y = kMargin + kTitleSize;
  // Bold letters are about an eighth wider.
  svg.text({kMargin, y}, fit_svg_text(title, 1.12 * kTitleSize, kWidth - 2 * kMargin), "title",
           TextAnchor::kStart, escape_controls(title));
  return y + 10.0;
}

std::vector<std::string> wrap_lines(const std::string& text, double font_size, double width,
                                    size_t max_lines) {
  std::vector<std::string> lines(1);
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string& line = lines.back();
    const std::string_view word = rest.substr(0, rest.find(' '));
    const std::string longer = line + (line.empty() ? "" : " ") + std::string(word);
    if (line.empty() || svg_text_width(longer, font_size) <= width) {
      line = longer;
    } else if (lines.size() < max_lines) {
      lines.emplace_back(word);
    } else {
      // What is longer than that is cut, with the rest as a tooltip.
      line += " " + std::string(rest);
      break;
    }
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  return lines;
}

double draw_caption(Svg& svg, const std::vector<std::string>& lines, double y) {
  constexpr double kRoom = kWidth - 2 * kMargin;
  constexpr size_t kMaxLines = 3;
  for (const std::string& text : lines) {
    for (const std::string& line : wrap_lines(text, kFontSize, kRoom, kMaxLines)) {
      y += kLineHeight;
      svg.text({kMargin, y}, fit_svg_text(line, kFontSize, kRoom), "muted", TextAnchor::kStart,
               escape_controls(line));
    }
  }
  return y + kMargin;
}

double draw_legend(Svg& svg, const std::vector<LegendItem>& items, double y) {
  constexpr double kSampleWidth = 26.0, kGapAfterSample = 6.0, kGapBetween = 22.0;
  const double limit = kWidth - kMargin;
  double x = kMargin;
  y += kLineHeight;
  for (const LegendItem& item : items) {
    const double room = kWidth - 2 * kMargin - kSampleWidth - kGapAfterSample;
    const std::string label = fit_svg_text(item.label, kFontSize, room);
    const double width = kSampleWidth + kGapAfterSample + svg_text_width(label, kFontSize);
    if (x > kMargin && x + width > limit) {
      x = kMargin;
      y += kLineHeight + 3.0;
    }
    const double middle = y - 4.0;
    const SvgPoint from{x, middle}, to{x + kSampleWidth, middle};
    const SvgPoint center{x + kSampleWidth / 2, middle};
    switch (item.sample) {
      case LegendItem::Sample::kSeries:
        svg.line(from, to, "stroke " + stroke_class(item.series));
        draw_marker(svg, center, item.series);
        break;
      case LegendItem::Sample::kBar:
        svg.rectangle({x, middle - 5.0, kSampleWidth, 10.0}, fill_class(item.series));
        break;
      case LegendItem::Sample::kWhisker:
        draw_horizontal_whisker(svg, middle, from.x + 3.0, to.x - 3.0);
        break;
      case LegendItem::Sample::kBandwidth:
        svg.line(from, to, "limit dashes bandwidth");
        break;
      case LegendItem::Sample::kCompute:
        svg.line(from, to, "limit dots compute");
        break;
    }
    svg.text({x + kSampleWidth + kGapAfterSample, y}, label, "", TextAnchor::kStart,
             escape_controls(item.label));
    x += width + kGapBetween;
  }
  return y + 8.0;
}

void draw_y_axis(Svg& svg, const SvgBox& box, const std::vector<double>& ticks,
                 const PlotScale& scale) {
  const std::vector<std::string> labels = tick_labels(ticks);
  for (size_t i = 0; i < ticks.size(); ++i) {
    const double y = scale(ticks[i]);
    svg.line({box.x, y}, {box.right(), y}, i == 0 ? "axis" : "grid");
    svg.text({box.x - 6.0, y + 4.0}, labels[i], "muted", TextAnchor::kEnd);
  }
}

void draw_x_axis(Svg& svg, const SvgBox& box, const std::vector<double>& ticks,
                 const PlotScale& scale) {
  const std::vector<std::string> labels = tick_labels(ticks);
  for (size_t i = 0; i < ticks.size(); ++i) {
    const double x = scale(ticks[i]);
    svg.line({x, box.y}, {x, box.bottom()}, i == 0 ? "axis" : "grid");
    svg.text({x, box.bottom() + 14.0}, labels[i], "muted", TextAnchor::kMiddle);
  }
}

void draw_vertical_whisker(Svg& svg, double x, double y_low, double y_high) {
  constexpr double kCap = 4.0;
  svg.line({x, y_low}, {x, y_high}, "whisker");
  svg.line({x - kCap, y_low}, {x + kCap, y_low}, "whisker");
  svg.line({x - kCap, y_high}, {x + kCap, y_high}, "whisker");
}

void draw_horizontal_whisker(Svg& svg, double y, double x_low, double x_high) {
  constexpr double kCap = 4.0;
  svg.line({x_low, y}, {x_high, y}, "whisker");
  svg.line({x_low, y - kCap}, {x_low, y + kCap}, "whisker");
  svg.line({x_high, y - kCap}, {x_high, y + kCap}, "whisker");
}

}  // namespace tern::tools::plot
