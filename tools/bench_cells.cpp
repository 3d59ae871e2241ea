#include "bench_cells.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench_fields.h"
#include "figures.h"

namespace tern::tools {
namespace {

using measure::BenchReport;
using measure::BenchRow;
using measure::Phase;
using Kind = TableColumn::Kind;

constexpr const char* kNone = "-";

// Rates are compared with each other: four digits. The rest tells how far from a limit they are.
constexpr int kFewDigits = 3;
// Quartiles of one or two samples say nothing.
constexpr size_t kFewestForSpread = 3;

std::string positive(double value) { return value > 0.0 ? figure(value, kFewDigits) : kNone; }
std::string share(double value) { return value > 0.0 ? percent(value) : kNone; }
std::string joules(const std::optional<double>& value) {
  return value ? figure(*value, kFewDigits) : kNone;
}

bool is_known(const EnergyFigure& figure) { return figure.kind != EnergyKind::kNotAvailable; }

/// Whether any phase has a figure in joules.
bool has_energy(const BenchReport& report) {
  const auto known = [](const std::optional<Phase>& phase) {
    return phase && is_known(phase->energy);
  };
  return std::any_of(report.rows.begin(), report.rows.end(),
                     [&](const BenchRow& row) { return known(row.prefill) || known(row.decode); });
}

bool has_depth(const BenchReport& report) {
  return std::any_of(report.rows.begin(), report.rows.end(),
                     [](const BenchRow& row) { return row.depth > 0; });
}

/// Collects notes and gives each text one number.
class Notes {
 public:
  void add(const std::string& text, std::string& marks) {
    const auto found = std::find(texts_.begin(), texts_.end(), text);
    const auto number = static_cast<size_t>(found - texts_.begin()) + 1;
    if (found == texts_.end()) texts_.push_back(text);
    marks += fmt::format("[{}]", number);
  }
  std::vector<std::string> texts() && { return std::move(texts_); }

 private:
  std::vector<std::string> texts_;
};

/// A note may say which phase it is about: "decode: noisy, ...".
bool is_about(const std::string& note, const std::string& phase, const BenchRow& row) {
  const std::string other = phase == "prefill" ? "decode" : "prefill";
  const bool other_is_shown = (phase == "prefill" ? row.n_generate : row.n_prompt) > 0;
  return !note.starts_with(other + ": ") || !other_is_shown;
}

/// Why a phase has no figure although the run has a source of energy.
void add_energy_notes(const BenchReport& report, const Phase& phase, Notes& notes,
                      std::string& marks) {
  if (report.energy_kind == EnergyKind::kNotAvailable) return;
  if (!is_known(phase.energy)) {
    const std::string& reason = phase.energy.reason;
    notes.add("energy not available" + (reason.empty() ? "" : ": " + reason), marks);
  } else if (report.energy_kind == EnergyKind::kMeasured && !is_known(phase.energy_above_idle)) {
    // Of a given power nobody measured what the idle machine takes of it.
    const std::string& reason = phase.energy_above_idle.reason;
    notes.add("energy above idle not available" + (reason.empty() ? "" : ": " + reason), marks);
  }
}

std::vector<std::string> phase_cells(const Phase& phase) {
  const measure::Summary& rate = phase.rate;
  const bool measured = !phase.samples.empty();
  const std::string limit = phase.limit_tokens_per_s > 0.0
                                ? fmt::format("{} {}", figure(phase.limit_tokens_per_s, kFewDigits),
                                              phase.limited_by_bandwidth ? "mem" : "dot")
                                : kNone;
  return {measured ? figure(rate.median) : kNone,
          measured ? fmt::format("{}-{}", figure(rate.min), figure(rate.max)) : kNone,
          phase.samples.size() >= kFewestForSpread ? percent(rate.spread) : kNone,
          limit,
          positive(phase.gbps),
          share(phase.bandwidth_share),
          positive(phase.gmacs),
          share(phase.compute_share)};
}

std::vector<std::string> energy_cells(const Phase& phase, const std::string& both) {
  const double n_tokens = n_tokens_of_all(phase);
  return {joules(joules_per_token(phase.energy, n_tokens)),
          joules(joules_per_token(phase.energy_above_idle, n_tokens)), both,
          is_known(phase.energy) ? figure(phase.energy.watts(), kFewDigits) : kNone};
}

std::vector<TableColumn> bench_columns(const BenchReport& report) {
  std::vector<TableColumn> columns = {{"", "threads", Kind::kKey}};
  if (has_depth(report)) columns.push_back({"", "depth", Kind::kKey});
  columns.push_back({"", "test", Kind::kKey, /*left=*/true});
  for (const char* title : {"median", "min-max", "spread", "limit"}) {
    columns.push_back({"tokens/s", title});
  }
  columns.push_back({"memory", "GB/s"});
  columns.push_back({"memory", "share"});
  columns.push_back({"int8 dot", "GMAC/s"});
  columns.push_back({"int8 dot", "share"});
  columns.push_back({"first", "token"});
  if (has_energy(report)) {
    for (const char* title : {"J/token", "above idle", "of both", "W"}) {
      columns.push_back({"energy", title});
    }
  }
  columns.push_back({"", "", Kind::kMark, /*left=*/true});
  return columns;
}

}  // namespace

BenchTable bench_table(const BenchReport& report) {
  BenchTable result;
  result.table.columns = bench_columns(report);
  Notes notes;
  const auto add = [&](const BenchRow& row, const Phase* phase, int n_threads,
                       const std::string& name, int n_tokens, const std::string& first_token,
                       const std::string& both) {
    std::vector<std::string> cells = {fmt::format("{}", n_threads)};
    if (has_depth(report)) cells.push_back(fmt::format("{}", row.depth));
    cells.push_back(fmt::format("{} {}", name, n_tokens));
    const Phase nothing;
    const auto append = [&cells](std::vector<std::string> more) {
      cells.insert(cells.end(), more.begin(), more.end());
    };
    append(phase_cells(phase != nullptr ? *phase : nothing));
    cells.push_back(first_token);
    if (has_energy(report)) append(energy_cells(phase != nullptr ? *phase : nothing, both));
    std::string marks;
    for (const std::string& note : row.notes) {
      if (is_about(note, name, row)) notes.add(note, marks);
    }
    if (phase != nullptr) add_energy_notes(report, *phase, notes, marks);
    cells.push_back(marks);
    result.table.rows.push_back(std::move(cells));
  };
  for (const BenchRow& row : report.rows) {
    const std::string first_token =
        row.first_token_seconds > 0.0 ? duration(row.first_token_seconds) : kNone;
    if (row.n_prompt > 0) {
      add(row, row.prefill ? &*row.prefill : nullptr, row.n_threads, "prefill", row.n_prompt,
          first_token, kNone);
    }
    if (row.n_generate > 0) {
      add(row, row.decode ? &*row.decode : nullptr, row.n_threads_decode, "decode", row.n_generate,
          row.n_prompt > 0 ? kNone : first_token, joules(joules_per_total_token(row)));
    }
  }
  result.notes = std::move(notes).texts();
  return result;
}

std::vector<std::string> bench_legend(const BenchReport& report) {
  if (report.rows.empty()) return {};
  std::vector<std::string> legend = {
      "spread: interquartile range / median; share: of what this machine could do right before and "
      "after each repetition",
      "limit: tokens/s that its memory bandwidth (mem) or int8 dot products (dot) then allowed for "
      "this file",
      "first token: median time for the prompt, up to the first token's logits"};
  if (has_energy(report)) {
    legend.emplace_back(
        "J/token: prefill per token of the prompt, decode per generated token; of "
        "both: prompt and generation together, for each of their tokens");
  }
  return legend;
}

std::vector<std::string> bench_remarks(const BenchReport& report) {
  std::vector<std::string> remarks = report.notes;
  if (report.interrupted) {
    remarks.emplace_back(report.rows.empty() ? "interrupted before anything was measured"
                                             : "interrupted: only what was measured until then");
  } else if (report.rows.empty()) {
    remarks.emplace_back("nothing was measured");
  }
  return remarks;
}

}  // namespace tern::tools
