#include "bench_cells.h"
#include "bench_output.h"
#include "table.h"

namespace tern::tools {
namespace {

std::string cell_text(const Fact& fact) {
  return fact.is_name ? markdown_code(fact.text) : markdown_text(fact.text);
}

}  // namespace

std::string to_markdown(const measure::BenchReport& report) {
  const std::vector<Fact> facts = bench_facts(report);
  std::string text = "**tern bench**: " + cell_text(facts.front()) + "\n\n";
  for (size_t i = 1; i < facts.size(); ++i) {
    text += "- " + facts[i].label + ": " + cell_text(facts[i]) + "\n";
  }
  const BenchTable bench = bench_table(report);
  if (!bench.table.rows.empty()) {
    text += "\n" + to_markdown(bench.table) + "\n";
    for (size_t i = 0; i < bench.notes.size(); ++i) {
      text += "- " + markdown_text("[" + std::to_string(i + 1) + "] " + bench.notes[i]) + "\n";
    }
    for (const std::string& line : bench_legend(report)) text += "- " + markdown_text(line) + "\n";
  }
  for (const std::string& remark : bench_remarks(report)) {
    text += "\nNote: " + markdown_text(remark) + "\n";
  }
  return text;
}

}  // namespace tern::tools
