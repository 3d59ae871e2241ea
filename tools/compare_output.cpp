// What shows a Comparison: text, Markdown, JSON.
#include <fmt/format.h>

#include "bench_compare.h"
#include "escape.h"
#include "figures.h"
#include "table.h"

namespace tern::tools {
namespace {

constexpr size_t kDefaultColumns = 100;

std::string rate_text(const measure::Summary& summary) {
  return summary.n > 0 ? figure(summary.median) : "-";
}

std::string threads_text(const ComparedRow& row) {
  const auto side = [](int n) { return n > 0 ? std::to_string(n) : std::string("?"); };
  if (row.b.empty() || row.n_threads_a == row.n_threads_b) return side(row.n_threads_a);
  return side(row.n_threads_a) + " / " + side(row.n_threads_b);
}

std::string ratio_text(double ratio) { return fmt::format("{:.3f}", ratio); }

Table comparison_table(const Comparison& comparison) {
  using Kind = TableColumn::Kind;
  const std::string interval = fmt::format("{:g} % interval", 100.0 * comparison.confidence);
  Table table;
  table.columns = {{.group = "", .title = "test", .kind = Kind::kKey, .left = true},
                   {.group = "", .title = "threads", .kind = Kind::kKey},
                   {.group = "A", .title = "tokens/s"},
                   {.group = "B", .title = "tokens/s"},
                   {.group = "A / B", .title = "ratio"},
                   {.group = "A / B", .title = interval},
                   {.group = "", .title = "A is", .left = true}};
  for (const ComparedRow& row : comparison.rows) {
    table.rows.push_back(
        {row_label(row.kind, row.n_tokens, row.depth), threads_text(row), rate_text(row.summary_a),
         rate_text(row.summary_b), row.ratio() ? ratio_text(*row.ratio()) : "-",
         row.interval ? ratio_text(row.interval->low) + " .. " + ratio_text(row.interval->high)
                      : "-",
         verdict_text(row.verdict())});
  }
  return table;
}

/// "llama-bench 8cf427ff, llama 8B TQ2_0 - 2.06 bpw ternary, CPU".
std::string rival_text(const Comparison& comparison) {
  std::string text = comparison.program;
  if (!comparison.build.empty()) text += " " + comparison.build;
  for (const std::string* part : {&comparison.model, &comparison.backend}) {
    if (!part->empty()) text += ", " + *part;
  }
  return text;
}

std::string method_text(const Comparison& comparison) {
  const std::string pairs =
      comparison.n_pairs == comparison.n_pairs_planned
          ? std::to_string(comparison.n_pairs)
          : fmt::format("{} of {}", comparison.n_pairs, comparison.n_pairs_planned);
  return fmt::format("{} pair{} of runs by turns{}, of each the {} of its repetitions", pairs,
                     comparison.n_pairs_planned == 1 ? "" : "s",
                     comparison.interrupted ? " (interrupted)" : "",
                     comparison.uses_means ? "mean" : "median");
}

/// What stands beneath the table.
std::vector<std::string> remarks(const Comparison& comparison) {
  std::vector<std::string> lines;
  for (const std::string& sentence : comparison.suspicions) {
    lines.push_back("suspicious: " + sentence);
  }
  for (const std::string& note : comparison.notes) lines.push_back("note: " + note);
  return lines;
}

Json side_json(const std::vector<double>& samples, const measure::Summary& summary, int n_threads) {
  const auto known = [&](double value) { return summary.n > 0 ? Json(value) : Json(); };
  return {{"threads", n_threads > 0 ? Json(n_threads) : Json()},
          {"median", known(summary.median)},
          {"min", known(summary.min)},
          {"max", known(summary.max)},
          {"spread", known(summary.spread)},
          {"samples", samples}};
}

}  // namespace

std::string to_text(const Comparison& comparison, size_t columns) {
  std::string text = "A  this run\nB  " + escape_controls(comparison.command) + "\n";
  if (const std::string rival = rival_text(comparison); !rival.empty()) {
    text += "   " + escape_controls(rival) + "\n";
  }
  text += method_text(comparison) + "\n\n";
  text += to_text(comparison_table(comparison), columns > 0 ? columns : kDefaultColumns);
  for (const std::string& line : remarks(comparison)) text += escape_controls(line) + "\n";
  return text;
}

std::string to_markdown(const Comparison& comparison) {
  std::string text =
      "**Comparison** of this run (A) with " + markdown_code(comparison.command) + " (B)\n\n";
  if (const std::string rival = rival_text(comparison); !rival.empty()) {
    text += "- B: " + markdown_text(rival) + "\n";
  }
  text += "- " + markdown_text(method_text(comparison)) + "\n\n";
  text += to_markdown(comparison_table(comparison));
  const std::vector<std::string> lines = remarks(comparison);
  if (!lines.empty()) text += '\n';
  for (const std::string& line : lines) text += "- " + markdown_text(line) + "\n";
  return text;
}

Json to_json(const Comparison& comparison) {
  Json rows = Json::array();
  for (const ComparedRow& row : comparison.rows) {
    const auto& interval = row.interval;
    rows.push_back({{"phase", row.kind == RateKind::kPrefill ? "prefill" : "decode"},
                    {"n_tokens", row.n_tokens},
                    {"depth", row.depth},
                    {"pairs", row.b.size()},
                    {"ratio", row.ratio() ? Json(*row.ratio()) : Json()},
                    {"low", interval ? Json(interval->low) : Json()},
                    {"high", interval ? Json(interval->high) : Json()},
                    {"verdict", interval ? Json(verdict_text(row.verdict())) : Json()},
                    {"a", side_json(row.a, row.summary_a, row.n_threads_a)},
                    {"b", side_json(row.b, row.summary_b, row.n_threads_b)}});
  }
  return {{"command", comparison.command},
          {"program", text_or_null(comparison.program)},
          {"build", text_or_null(comparison.build)},
          {"cpu", text_or_null(comparison.cpu)},
          {"model", text_or_null(comparison.model)},
          {"backend", text_or_null(comparison.backend)},
          {"pairs_planned", comparison.n_pairs_planned},
          {"pairs", comparison.n_pairs},
          {"confidence", comparison.confidence},
          {"statistic", comparison.uses_means ? "mean" : "median"},
          {"rows", std::move(rows)},
          {"suspicions", comparison.suspicions},
          {"notes", comparison.notes},
          {"interrupted", comparison.interrupted}};
}

}  // namespace tern::tools
