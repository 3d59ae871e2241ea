#include <fmt/format.h>

#include <algorithm>

#include "escape.h"
#include "figures.h"
#include "plot_panels.h"

namespace tern::tools::plot {
namespace {

constexpr double kValueSpace = 52.0, kBetween = 18.0, kMaxLabelSpace = 300.0;

/// Height of a row: many rows get less.
double row_height(size_t n_rows) {
  constexpr size_t kFew = 12;
  return n_rows <= kFew ? 30.0 : 19.0;
}

/// Where a value is, or the edge that it is beyond.
struct LimitMark {
  double value = 0.0;
  size_t first = 0, last = 0;  // rows with the same limit
};

std::vector<LimitMark> limit_marks(const BarPanel& panel, std::optional<double> Point::*member) {
  std::vector<LimitMark> marks;
  for (size_t i = 0; i < panel.bars.size(); ++i) {
    const auto& bar = panel.bars[i];
    if (!bar || !((*bar).*member)) continue;
    const double value = *((*bar).*member);
    if (!marks.empty() && marks.back().last + 1 == i && marks.back().value == value) {
      marks.back().last = i;
    } else {
      marks.push_back({value, i, i});
    }
  }
  return marks;
}

class BarPlot {
 public:
  BarPlot(Svg& svg, const BarPanel& panel, const SvgBox& box, double height_of_row)
      : svg_(svg),
        panel_(panel),
        box_(box),
        row_(height_of_row),
        ticks_(make_ticks()),
        scale_(0.0, ticks_.back(), box.x, box.right()) {}

  void draw(double y_title, ShownLimits& shown) {
    svg_.text({box_.x, y_title}, panel_.title, "panel");
    draw_x_axis(svg_, box_, ticks_, scale_);
    svg_.text({box_.x + box_.width / 2, box_.bottom() + 14.0 + kLineHeight}, "tokens/s", "muted",
              TextAnchor::kMiddle);
    for (size_t i = 0; i < panel_.bars.size(); ++i) draw_bar(i);
    draw_limits(kBandwidth, box_.y - 8.0 - kLineHeight, shown.bandwidth);
    draw_limits(kCompute, box_.y - 8.0, shown.compute);
  }

 private:
  std::vector<double> make_ticks() const {
    double largest = 0.0;
    for (const auto& bar : panel_.bars) {
      if (bar) largest = std::max({largest, bar->y, bar->high});
    }
    double maximum = largest;
    for (const auto& bar : panel_.bars) {
      if (!bar) continue;
      for (const auto& limit : {bar->bandwidth_limit, bar->compute_limit}) {
        if (limit && is_near(*limit, largest)) maximum = std::max(maximum, *limit);
      }
    }
    constexpr int kTicks = 5;
    return nice_ticks(maximum, kTicks);
  }

  double middle(size_t row) const { return box_.y + row_ * (static_cast<double>(row) + 0.5); }

  void draw_bar(size_t row) {
    const auto& bar = panel_.bars[row];
    const double y = middle(row);
    const SvgPoint value_at{box_.right() + kValueSpace, y + 4.0};
    if (!bar) return svg_.text(value_at, "-", "muted", TextAnchor::kEnd);
    const double thickness = std::min(row_ - 6.0, 16.0);
    svg_.rectangle({box_.x, y - thickness / 2, scale_(bar->y) - box_.x, thickness}, fill_class(0));
    if (bar->low < bar->high) {
      draw_horizontal_whisker(svg_, y, scale_(bar->low), scale_(bar->high));
    }
    svg_.text(value_at, figure(bar->y), "strong", TextAnchor::kEnd);
  }

  void draw_limits(const LimitKind& kind, double y_label, bool& shown) {
    const std::vector<LimitMark> marks = limit_marks(panel_, kind.member);
    if (marks.empty()) return;
    const std::string name = kind.name;
    double least = marks[0].value;
    size_t n_inside = 0;
    for (const LimitMark& mark : marks) {
      least = std::min(least, mark.value);
      if (mark.value > ticks_.back()) continue;
      ++n_inside;
      const double x = scale_(mark.value);
      svg_.line({x, middle(mark.first) - row_ / 2}, {x, middle(mark.last) + row_ / 2},
                fmt::format("limit {} {}", kind.pattern, name));
    }
    shown = shown || n_inside > 0;
    const std::string value = figure(least, 3);
    const bool single = marks.size() == 1;
    if (n_inside == 0) {
      svg_.text(
          {box_.x, y_label},
          fmt::format("{} limit beyond the plot: {}{}", name, value, single ? "" : " or more"),
          name + "-ink");
    } else if (single) {
      // Beside the end of its line, on the side where there is room.
      const double x = scale_(least);
      const std::string label = fmt::format("{} limit {}", name, value);
      const double half = svg_text_width(label, kFontSize) / 2;
      const double center =
          std::clamp(x, box_.x + half, std::max(box_.x + half, box_.right() + kValueSpace - half));
      svg_.text({center, y_label}, label, name + "-ink", TextAnchor::kMiddle);
    }
  }

  Svg& svg_;
  const BarPanel& panel_;
  SvgBox box_;
  double row_;
  std::vector<double> ticks_;
  PlotScale scale_;
};

}  // namespace

double draw_bar_panels(Svg& svg, const std::vector<std::string>& labels,
                       const std::vector<BarPanel>& panels, double y, ShownLimits& shown) {
  double label_space = 0.0;
  for (const std::string& label : labels) {
    label_space = std::max(label_space, svg_text_width(label, kFontSize));
  }
  label_space = std::min(label_space, kMaxLabelSpace) + 10.0;
  const double row = row_height(labels.size());
  const auto n_panels = static_cast<double>(panels.size());
  const double width =
      (kWidth - 2 * kMargin - label_space - kBetween * (n_panels - 1.0)) / n_panels - kValueSpace;
  const double top = y + kPanelTitleSize + 14.0 + 2 * kLineHeight;
  const double height = row * static_cast<double>(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    svg.text({kMargin + label_space - 10.0, top + row * (static_cast<double>(i) + 0.5) + 4.0},
             fit_svg_text(labels[i], kFontSize, kMaxLabelSpace), "", TextAnchor::kEnd,
             escape_controls(labels[i]));
  }
  double x = kMargin + label_space;
  for (const BarPanel& panel : panels) {
    BarPlot(svg, panel, {x, top, width, height}, row).draw(y + kPanelTitleSize, shown);
    x += width + kValueSpace + kBetween;
  }
  return top + height + 14.0 + 2 * kLineHeight;
}

}  // namespace tern::tools::plot
