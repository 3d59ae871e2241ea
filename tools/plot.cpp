#include "plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "bench_cells.h"
#include "plot_panels.h"

namespace tern::tools {
namespace {

using measure::BenchReport;
using measure::BenchRow;
using measure::Phase;

/// Which of a row's settings differ within the report: only those are worth naming.
struct Varied {
  bool threads = false, depth = false, prompt = false, generate = false;
};

/// Prefill or decode of a row, and what the plot has to know about it.
struct PhaseView {
  const char* title;
  std::optional<Phase> BenchRow::*phase;
  int BenchRow::*n_threads;
  int BenchRow::*n_tokens;
};
constexpr PhaseView kPrefill = {"prefill", &BenchRow::prefill, &BenchRow::n_threads,
                                &BenchRow::n_prompt};
constexpr PhaseView kDecode = {"decode", &BenchRow::decode, &BenchRow::n_threads_decode,
                               &BenchRow::n_generate};

bool is_measured(const std::optional<Phase>& phase) {
  // False for NaN too.
  const auto can_be_drawn = [](double rate) { return rate >= 0.0 && rate <= kLargestPlotted; };
  return phase && !phase->samples.empty() && can_be_drawn(phase->rate.median) &&
         can_be_drawn(phase->rate.min) && can_be_drawn(phase->rate.max);
}

bool differ(const BenchReport& report, int BenchRow::*member) {
  return std::any_of(report.rows.begin(), report.rows.end(), [&](const BenchRow& row) {
    return row.*member != report.rows.front().*member;
  });
}

Varied find_varied(const BenchReport& report) {
  return {differ(report, &BenchRow::n_threads) || differ(report, &BenchRow::n_threads_decode),
          differ(report, &BenchRow::depth), differ(report, &BenchRow::n_prompt),
          differ(report, &BenchRow::n_generate)};
}

/// The rate at which a share of 1 would be reached.
std::optional<double> limit_of(double rate, double share) {
  if (!(share > 0.0) || !std::isfinite(rate / share)) return std::nullopt;
  return rate / share;
}

plot::Point make_point(const Phase& phase, double x) {
  plot::Point point{x, phase.rate.median, phase.rate.min, phase.rate.max, {}, {}};
  point.bandwidth_limit = limit_of(phase.rate.median, phase.bandwidth_share);
  point.compute_limit = limit_of(phase.rate.median, phase.compute_share);
  auto& lower = phase.limited_by_bandwidth ? point.bandwidth_limit : point.compute_limit;
  if (!lower && phase.limit_tokens_per_s > 0.0) lower = phase.limit_tokens_per_s;
  return point;
}

std::string counted(int n, const char* one) {
  return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

/// "prefill, 512 tokens"
std::string panel_title(const BenchReport& report, const PhaseView& view) {
  if (differ(report, view.n_tokens)) return view.title;
  return fmt::format("{}, {}", view.title, counted(report.rows.front().*view.n_tokens, "token"));
}

/// The settings of a row that differ, but for the one on the x axis.
std::string series_label(const BenchRow& row, const PhaseView& view, const Varied& varied,
                         bool over_threads) {
  std::vector<std::string> parts;
  if (varied.threads && !over_threads) parts.push_back(counted(row.*view.n_threads, "thread"));
  if (varied.depth && over_threads) parts.push_back(fmt::format("depth {}", row.depth));
  if (varied.prompt) parts.push_back(fmt::format("prompt {}", row.n_prompt));
  if (varied.generate) parts.push_back(fmt::format("generate {}", row.n_generate));
  return fmt::format("{}", fmt::join(parts, ", "));
}

plot::LinePanel make_line_panel(const BenchReport& report, const PhaseView& view,
                                const Varied& varied, bool over_threads) {
  plot::LinePanel panel{
      panel_title(report, view), over_threads ? "threads" : "depth (positions in the cache)", {}};
  std::map<std::string, size_t> index;
  for (const BenchRow& row : report.rows) {
    const auto& phase = row.*view.phase;
    if (!is_measured(phase)) continue;
    const std::string label = series_label(row, view, varied, over_threads);
    const auto [known, is_new] = index.emplace(label, panel.series.size());
    if (is_new) panel.series.push_back({label, {}});
    panel.series[known->second].points.push_back(
        make_point(*phase, over_threads ? row.*view.n_threads : row.depth));
  }
  for (plot::Series& series : panel.series) {
    std::stable_sort(series.points.begin(), series.points.end(),
                     [](const plot::Point& a, const plot::Point& b) { return a.x < b.x; });
  }
  return panel;
}

std::string row_label(const BenchRow& row, const Varied& varied) {
  std::vector<std::string> parts;
  const bool nothing = !varied.threads && !varied.depth && !varied.prompt && !varied.generate;
  if (varied.threads || nothing) {
    parts.push_back(row.n_threads == row.n_threads_decode
                        ? counted(row.n_threads, "thread")
                        : fmt::format("{} and {} threads", row.n_threads, row.n_threads_decode));
  }
  if (varied.depth || nothing) parts.push_back(fmt::format("depth {}", row.depth));
  if (varied.prompt) parts.push_back(fmt::format("prompt {}", row.n_prompt));
  if (varied.generate) parts.push_back(fmt::format("generate {}", row.n_generate));
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// Legend of what does not belong to one series.
void add_common(const BenchReport& report, const plot::ShownLimits& shown,
                std::vector<plot::LegendItem>& items) {
  using Sample = plot::LegendItem::Sample;
  const auto varies = [](const std::optional<Phase>& phase) {
    return is_measured(phase) && phase->rate.min < phase->rate.max;
  };
  if (std::any_of(report.rows.begin(), report.rows.end(),
                  [&](const BenchRow& row) { return varies(row.prefill) || varies(row.decode); })) {
    items.push_back({Sample::kWhisker, 0, "slowest to fastest"});
  }
  if (shown.bandwidth) items.push_back({Sample::kBandwidth, 0, "limit by memory bandwidth"});
  if (shown.compute) items.push_back({Sample::kCompute, 0, "limit by int8 dot products"});
}

/// Line panels beside each other, the legend beneath. Returns the y beneath.
double draw_lines(Svg& svg, const BenchReport& report, const std::vector<plot::LinePanel>& panels,
                  double y) {
  using Sample = plot::LegendItem::Sample;
  constexpr double kHeight = 350.0, kBetween = 8.0;
  const auto n = static_cast<double>(panels.size());
  // One panel alone keeps the shape that it has beside another, only somewhat wider.
  constexpr double kMaxWidth = 760.0;
  const double room = plot::kWidth - 2 * plot::kMargin;
  const double width = std::min((room - kBetween * (n - 1.0)) / n, kMaxWidth);
  plot::ShownLimits shown;
  double x = plot::kMargin;
  for (const plot::LinePanel& panel : panels) {
    const plot::ShownLimits here = draw_line_panel(svg, panel, {x, y, width, kHeight});
    shown = {shown.bandwidth || here.bandwidth, shown.compute || here.compute};
    x += width + kBetween;
  }
  std::vector<plot::LegendItem> items;
  // Series have the same order and labels in both panels unless one lacks rows.
  const auto longest = std::max_element(
      panels.begin(), panels.end(),
      [](const auto& a, const auto& b) { return a.series.size() < b.series.size(); });
  for (size_t i = 0; i < longest->series.size(); ++i) {
    const std::string& label = longest->series[i].label;
    items.push_back({Sample::kSeries, i, label.empty() ? "median of the repetitions" : label});
  }
  add_common(report, shown, items);
  return plot::draw_legend(svg, items, y + kHeight);
}

double draw_bars(Svg& svg, const BenchReport& report, const std::vector<PhaseView>& views,
                 const Varied& varied, double y) {
  using Sample = plot::LegendItem::Sample;
  std::vector<std::string> labels;
  std::vector<plot::BarPanel> panels;
  panels.reserve(views.size());
  for (const PhaseView& view : views) panels.push_back({panel_title(report, view), {}});
  for (const BenchRow& row : report.rows) {
    labels.push_back(row_label(row, varied));
    for (size_t i = 0; i < views.size(); ++i) {
      const auto& phase = row.*views[i].phase;
      panels[i].bars.push_back(is_measured(phase) ? std::optional(make_point(*phase, 0.0))
                                                  : std::nullopt);
    }
  }
  plot::ShownLimits shown;
  y = plot::draw_bar_panels(svg, labels, panels, y, shown);
  std::vector<plot::LegendItem> items = {{Sample::kBar, 0, "median of the repetitions"}};
  add_common(report, shown, items);
  return plot::draw_legend(svg, items, y);
}

std::string plot_title(const BenchReport& report) {
  const std::string name = report.model_name.empty() ? report.model_path : report.model_name;
  return name.empty() ? "tern bench" : name + ": tokens per second";
}

/// Machine, model and run, as in the text form.
std::vector<std::string> plot_caption(const BenchReport& report) {
  std::vector<std::string> lines;
  for (const Fact& fact : bench_facts(report)) {
    for (const char* label : {"tern", "file", "format", "size", "cpu", "kernels", "run"}) {
      if (fact.label == label) lines.push_back(fact.label + ": " + fact.text);
    }
  }
  for (const std::string& remark : bench_remarks(report)) lines.push_back("note: " + remark);
  return lines;
}

}  // namespace

std::string plot_svg(const BenchReport& report) {
  Svg svg(plot_title(report), plot::style_sheet());
  double y = plot::draw_title(svg, plot_title(report)) + 6.0;
  std::vector<PhaseView> views;
  for (const PhaseView& view : {kPrefill, kDecode}) {
    const bool any = std::any_of(report.rows.begin(), report.rows.end(),
                                 [&](const BenchRow& row) { return is_measured(row.*view.phase); });
    if (any) views.push_back(view);
  }
  const Varied varied = find_varied(report);
  std::vector<plot::LinePanel> panels;
  panels.reserve(views.size());
  for (const PhaseView& view : views) {
    panels.push_back(make_line_panel(report, view, varied, varied.threads));
  }
  // More lines than differ in colour and shape are no picture any more.
  const bool few_lines = std::all_of(panels.begin(), panels.end(), [](const auto& panel) {
    return panel.series.size() <= plot::kDistinctSeries;
  });
  if (!views.empty() && (varied.threads || varied.depth) && few_lines) {
    y = draw_lines(svg, report, panels, y);
  } else if (!views.empty()) {
    y = draw_bars(svg, report, views, varied, y);
  }
  const double height = plot::draw_caption(svg, plot_caption(report), y);
  return svg.finish(plot::kWidth, height);
}

}  // namespace tern::tools
