#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "figures.h"
#include "plot_panels.h"

namespace tern::tools::plot {
namespace {

constexpr double kAxisTitleSpace = 16.0, kLabelSpace = 112.0;
constexpr int kFewDigits = 3;

/// A limit over the x axis, and the first series that it belongs to.
struct LimitCurve {
  size_t series = 0;
  std::vector<SvgPoint> points;  // in values, not in pixels
  double least = std::numeric_limits<double>::max(), most = 0.0;
};

/// Whether the curves say the same wherever both have a point.
bool same_curve(const LimitCurve& a, const LimitCurve& b) {
  // Two limits measured one after the other differ by less than a line's width.
  constexpr double kTolerance = 0.01;
  auto p = a.points.begin();
  auto q = b.points.begin();
  while (p != a.points.end() && q != b.points.end()) {
    if (p->x < q->x) {
      ++p;
    } else if (q->x < p->x) {
      ++q;
    } else {
      if (std::abs(p->y - q->y) > kTolerance * std::max(p->y, q->y)) return false;
      ++p;
      ++q;
    }
  }
  return true;
}

/// The different curves of one kind of limit.
std::vector<LimitCurve> limit_curves(const LinePanel& panel, const LimitKind& kind) {
  std::vector<LimitCurve> curves;
  for (size_t i = 0; i < panel.series.size(); ++i) {
    LimitCurve curve;
    curve.series = i;
    for (const Point& point : panel.series[i].points) {
      const std::optional<double> limit = point.*kind.member;
      if (!limit) continue;
      curve.points.push_back({point.x, *limit});
      curve.least = std::min(curve.least, *limit);
      curve.most = std::max(curve.most, *limit);
    }
    const bool known = std::any_of(curves.begin(), curves.end(), [&](const LimitCurve& other) {
      return same_curve(curve, other);
    });
    if (!curve.points.empty() && !known) curves.push_back(std::move(curve));
  }
  return curves;
}

/// A name at the end of a line.
struct EndLabel {
  double y;
  std::string text, css_class;
};
/// Labels keep their order and get the room that they need.
void push_apart(std::vector<EndLabel>& labels, double top, double bottom) {
  std::sort(labels.begin(), labels.end(),
            [](const EndLabel& a, const EndLabel& b) { return a.y < b.y; });
  double least = top;
  for (EndLabel& label : labels) {
    label.y = std::max(label.y, least);
    least = label.y + kLineHeight;
  }
  double most = bottom;
  for (size_t i = labels.size(); i-- > 0;) {
    labels[i].y = std::min(labels[i].y, most);
    most = labels[i].y - kLineHeight;
  }
}

class LinePlot {
 public:
  LinePlot(Svg& svg, const LinePanel& panel, const SvgBox& area)
      : svg_(svg),
        panel_(panel),
        ticks_(make_ticks()),
        box_(plot_box(area)),
        x_scale_(make_x_scale()),
        y_scale_(0.0, ticks_.back(), box_.bottom(), box_.y) {}

  ShownLimits draw(const SvgBox& area) {
    svg_.text({box_.x, area.y + kPanelTitleSize}, panel_.title, "panel");
    svg_.vertical_text({area.x + 10.0, box_.y + box_.height / 2}, "tokens/s", "muted");
    draw_y_axis(svg_, box_, ticks_, y_scale_);
    draw_x_labels();
    draw_limits(kBandwidth, shown_.bandwidth);
    draw_limits(kCompute, shown_.compute);
    draw_series();
    draw_end_labels();
    draw_far_limits();
    return shown_;
  }

 private:
  SvgBox plot_box(const SvgBox& area) const {
    // Above: the title and a line for limits that are far away; beneath: tick labels and the title
    // of the axis.
    const double top = kPanelTitleSize + 12.0 + 2 * kLineHeight;
    double left = 0.0;
    for (const std::string& label : tick_labels(ticks_)) {
      left = std::max(left, svg_text_width(label, kFontSize));
    }
    constexpr double kLabelGap = 14.0;
    left += kAxisTitleSpace + kLabelGap;
    return {area.x + left, area.y + top, area.width - left - kLabelSpace,
            area.height - top - 2 * kLineHeight - 6.0};
  }

  template <typename Fn>
  void for_each_point(const Fn& fn) const {
    for (const Series& series : panel_.series) {
      for (const Point& point : series.points) fn(point);
    }
  }

  struct Range {
    double from = std::numeric_limits<double>::max(), to = 0.0;
  };
  Range x_range() const {
    Range range;
    for_each_point([&](const Point& point) {
      range = {std::min(range.from, point.x), std::max(range.to, point.x)};
    });
    return range;
  }

  bool x_is_logarithmic() const {
    // Doubled four times: a straight scale would crowd the small ones.
    constexpr double kWideRange = 16.0;
    const Range range = x_range();
    return range.from > 0.0 && range.to / range.from >= kWideRange;
  }

  PlotScale make_x_scale() const {
    const Range range = x_range();
    if (!(range.from < range.to)) return {range.from - 1.0, range.to + 1.0, box_.x, box_.right()};
    // Markers at the ends stay clear of the axis.
    constexpr double kInset = 14.0;
    return {range.from, range.to, box_.x + kInset, box_.right() - kInset, x_is_logarithmic()};
  }

  std::vector<double> make_ticks() const {
    double largest = 0.0;
    for_each_point([&](const Point& point) { largest = std::max({largest, point.y, point.high}); });
    double maximum = largest;
    for (const LimitKind& kind : {kBandwidth, kCompute}) {
      for (const LimitCurve& curve : limit_curves(panel_, kind)) {
        if (is_near(curve.most, largest)) maximum = std::max(maximum, curve.most);
      }
    }
    constexpr int kTicks = 6;
    return nice_ticks(maximum, kTicks);
  }

  SvgPoint at(double x, double y) const { return {x_scale_(x), y_scale_(y)}; }

  void draw_x_labels() {
    std::vector<double> values;
    for_each_point([&](const Point& point) { values.push_back(point.x); });
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    // From the right, because the largest value matters most where there is no room for all.
    double free_until = std::numeric_limits<double>::max();
    for (size_t i = values.size(); i-- > 0;) {
      const double x = x_scale_(values[i]);
      svg_.line({x, box_.bottom()}, {x, box_.bottom() + 4.0}, "axis");
      const std::string label = fmt::format("{:.0f}", values[i]);
      const double half = svg_text_width(label, kFontSize) / 2;
      if (x + half > free_until) continue;
      free_until = x - half - 6.0;
      svg_.text({x, box_.bottom() + 16.0}, label, "muted", TextAnchor::kMiddle);
    }
    svg_.text({box_.x + box_.width / 2, box_.bottom() + 16.0 + kLineHeight},
              panel_.x_label + (x_is_logarithmic() ? ", logarithmic" : ""), "muted",
              TextAnchor::kMiddle);
  }

  void draw_limits(const LimitKind& kind, bool& shown) {
    const std::vector<LimitCurve> curves = limit_curves(panel_, kind);
    if (curves.empty()) return;
    const std::string name = kind.name;
    double least = curves[0].least, most = 0.0, label_y = box_.bottom();
    svg_.begin_clipped_group(box_);
    for (const LimitCurve& curve : curves) {
      std::vector<SvgPoint> pixels;
      // Outside of the picture a line's slope at its edge is all that matters.
      const double far_above = 1000.0 * ticks_.back();
      for (const SvgPoint& point : curve.points) {
        pixels.push_back(at(point.x, std::min(point.y, far_above)));
      }
      // To both edges: a limit of one point would not be seen.
      pixels.insert(pixels.begin(), {box_.x, pixels.front().y});
      pixels.push_back({box_.right(), pixels.back().y});
      const std::string colour = curves.size() > 1 ? stroke_class(curve.series) : name;
      svg_.polyline(pixels, fmt::format("limit {} {}", kind.pattern, colour));
      least = std::min(least, curve.least);
      most = std::max(most, curve.most);
      label_y = std::min(label_y, pixels.back().y);
    }
    svg_.end_group();
    const double top = ticks_.back();
    shown = least <= top;
    const std::string ink = name + "-ink";
    if (most <= top) {
      end_labels_.push_back(
          {label_y + 4.0, name + (curves.size() > 1 ? " limits" : " limit"), ink});
    } else {
      // What is not in the picture is at least said.
      std::string range = figure(least, kFewDigits);
      if (range != figure(most, kFewDigits)) range += " to " + figure(most, kFewDigits);
      far_limits_.push_back(
          {0.0, fmt::format("{} limit {}above: {} tokens/s", name, shown ? "partly " : "", range),
           ink});
    }
  }

  /// In layers, so that no line hides the marker of another series.
  void draw_series() {
    for (size_t i = 0; i < panel_.series.size(); ++i) {
      std::vector<SvgPoint> pixels;
      for (const Point& point : panel_.series[i].points) pixels.push_back(at(point.x, point.y));
      if (pixels.size() > 1) svg_.polyline(pixels, "stroke " + stroke_class(i));
    }
    for_each_point([&](const Point& point) {
      if (point.low >= point.high) return;
      draw_vertical_whisker(svg_, x_scale_(point.x), y_scale_(point.low), y_scale_(point.high));
    });
    for (size_t i = 0; i < panel_.series.size(); ++i) {
      for (const Point& point : panel_.series[i].points) {
        draw_marker(svg_, at(point.x, point.y), i);
      }
    }
  }

  void draw_end_labels() {
    push_apart(end_labels_, box_.y + 4.0, box_.bottom());
    for (const EndLabel& label : end_labels_) {
      svg_.text({box_.right() + 6.0, label.y},
                fit_svg_text(label.text, kFontSize, kLabelSpace - 6.0), label.css_class);
    }
  }

  void draw_far_limits() {
    double y = box_.y - 8.0 - kLineHeight * (static_cast<double>(far_limits_.size()) - 1.0);
    for (const EndLabel& label : far_limits_) {
      svg_.text({box_.x, y}, label.text, label.css_class);
      y += kLineHeight;
    }
  }

  Svg& svg_;
  const LinePanel& panel_;
  std::vector<double> ticks_;
  SvgBox box_;
  PlotScale x_scale_;
  PlotScale y_scale_;
  ShownLimits shown_;
  std::vector<EndLabel> end_labels_;
  std::vector<EndLabel> far_limits_;  // placed line by line
};

}  // namespace

ShownLimits draw_line_panel(Svg& svg, const LinePanel& panel, const SvgBox& area) {
  return LinePlot(svg, panel, area).draw(area);
}

}  // namespace tern::tools::plot
