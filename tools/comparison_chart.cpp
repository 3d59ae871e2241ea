// From a comparison and the result of its A side to a chart.
#include <fmt/format.h>

#include "bench_compare.h"
#include "plot.h"

namespace tern::tools {
namespace {

/// Texts that are not empty, joined by ", ".
std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  }
  return text;
}

std::string group_label(const ComparedRow& row) {
  const auto threads = [](int n) { return n > 0 ? count_label(n, "thread") : "threads not told"; };
  std::string label = row_label(row.kind, row.n_tokens, row.depth) + ", ";
  if (row.n_threads_a == row.n_threads_b) return label + threads(row.n_threads_a);
  return label + threads(row.n_threads_a) + " against " + threads(row.n_threads_b);
}

std::optional<ComparisonBar> make_bar(const measure::Summary& summary) {
  if (summary.n == 0) return std::nullopt;
  return ComparisonBar{summary.median, summary.min, summary.max};
}

std::string method(const Comparison& comparison) {
  return fmt::format(
      "{} of runs by turns{}; bars: median of the runs, whiskers: slowest to fastest; interval: "
      "{:g} % confidence",
      count_label(comparison.n_pairs, "pair"), comparison.interrupted ? ", interrupted" : "",
      100.0 * comparison.confidence);
}

}  // namespace

ComparisonChart make_chart(const Comparison& comparison, const measure::BenchReport& report) {
  ComparisonChart chart;
  const std::string& model = report.model_name.empty() ? report.model_path : report.model_name;
  chart.title = (model.empty() ? "" : model + ": ") + "A against B";
  chart.unit = "tokens/s";
  chart.name_a = "this run: tern " + join({report.version, report.isa, report.weights_format});
  chart.name_b = comparison.command;
  for (const ComparedRow& row : comparison.rows) {
    chart.groups.push_back(
        {group_label(row), make_bar(row.summary_a), make_bar(row.summary_b), row.interval});
  }
  chart.caption.push_back(method(comparison));
  const std::string rival =
      join({comparison.program, comparison.build, comparison.model, comparison.backend});
  if (!rival.empty()) chart.caption.push_back("B: " + rival);
  if (!report.cpu.model_name.empty()) chart.caption.push_back("cpu: " + report.cpu.model_name);
  for (const std::string& sentence : comparison.suspicions) {
    chart.caption.push_back("suspicious: " + sentence);
  }
  for (const std::string& note : comparison.notes) chart.caption.push_back("note: " + note);
  return chart;
}

}  // namespace tern::tools
