#include <algorithm>

#include "bench_cells.h"
#include "bench_output.h"
#include "escape.h"
#include "table.h"
#include "text_width.h"

namespace tern::tools {
namespace {

constexpr size_t kDefaultColumns = 100;
constexpr size_t kLabelWidth = 12;
// Narrower than this, wrapping only scatters words.
constexpr size_t kMinTextWidth = 24;

std::string paragraph(const std::string& label, const std::string& text, size_t columns,
                      size_t indent) {
  const size_t width = std::max(columns > indent ? columns - indent : 0, kMinTextWidth);
  return align_left(label, indent) + wrap(escape_controls(text), width, indent) + "\n";
}

}  // namespace

std::string to_text(const measure::BenchReport& report, size_t columns) {
  if (columns == 0) columns = kDefaultColumns;
  std::string text;
  for (const Fact& fact : bench_facts(report)) {
    text += paragraph(fact.label, fact.text, columns, kLabelWidth);
  }
  const BenchTable bench = bench_table(report);
  if (!bench.table.rows.empty()) {
    text += "\n" + to_text(bench.table, columns) + "\n";
    for (size_t i = 0; i < bench.notes.size(); ++i) {
      const std::string mark = "[" + std::to_string(i + 1) + "] ";
      text += paragraph(mark, bench.notes[i], columns, mark.size());
    }
    for (const std::string& line : bench_legend(report)) text += paragraph("- ", line, columns, 2);
  }
  for (const std::string& remark : bench_remarks(report)) {
    text += paragraph("note: ", remark, columns, 6);
  }
  return text;
}

}  // namespace tern::tools
