#include "tune_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "escape.h"
#include "table.h"

namespace tern::tools {
namespace {

constexpr double kCalm = 0.10;  // interquartile range / median
constexpr double kBusy = 0.25;  // running programs per core
constexpr size_t kWidth = 80;   // columns of a terminal; the table has fewer

struct Setting {
  std::string isa, layout;
  int n_threads = 0;
  bool operator==(const Setting&) const = default;
};

const TuneCandidate* find(const TuneResult& result, TunePhase phase, const Setting& setting) {
  for (const TuneCandidate& c : result.candidates) {
    if (c.phase == phase && c.isa == setting.isa && c.layout == setting.layout &&
        c.n_threads == setting.n_threads && !c.samples.empty()) {
      return &c;
    }
  }
  return nullptr;
}

// Rate, with a mark where it is the choice, and spread.
void append_cells(const TuneResult& result, TunePhase phase, const Setting& setting,
                  std::vector<std::string>* row) {
  const TuneCandidate* c = find(result, phase, setting);
  if (c == nullptr) {
    row->insert(row->end(), {"-", "-"});
    return;
  }
  row->push_back(fmt::format("{}{:.1f}", result.is_chosen(*c) ? "* " : "", c->median));
  row->push_back(fmt::format("{:.1f} %", 100.0 * c->spread));
}

// One line, or "" where the default was not measured.
std::string gain(const Model& model, const TuneResult& result) {
  const Engine& usual = model.engine();
  const std::string& layout = model.info().weights_layout;
  const std::string isa(usual.isa());
  const TuneCandidate* decode =
      find(result, TunePhase::kDecode, {isa, layout, usual.n_threads_decode()});
  const TuneCandidate* prefill =
      find(result, TunePhase::kPrefill, {isa, layout, usual.n_threads_batch()});
  if (decode == nullptr || prefill == nullptr) return {};
  return fmt::format("against the default ({}, threads {}): decode x {:.2f}, prefill x {:.2f}\n",
                     isa, usual.n_threads_decode(),
                     result.rate(TunePhase::kDecode) / decode->median,
                     result.rate(TunePhase::kPrefill) / prefill->median);
}

Json choice_json(const std::string& isa, const std::string& layout, int n_decode, int n_batch) {
  return {{"isa", isa}, {"weights", layout}, {"threads", n_decode}, {"threads_batch", n_batch}};
}

}  // namespace

std::vector<std::string> tune_notes(const TuneResult& result, std::optional<double> load_average,
                                    int n_cores) {
  std::vector<std::string> notes;
  if (load_average && *load_average > kBusy * n_cores) {
    notes.push_back(fmt::format("other programs were running (load {:.1f} on {} cores)",
                                *load_average, n_cores));
  }
  double spread = 0.0;
  for (const TuneCandidate& c : result.candidates) {
    if (result.is_chosen(c)) spread = std::max(spread, c.spread);
  }
  if (spread > kCalm) notes.push_back(fmt::format("speeds scatter by {:.0f} %", 100.0 * spread));
  if (!notes.empty()) notes.emplace_back("tune again when the machine is idle");
  return notes;
}

std::string tune_text(const Model& model, const TuneResult& result,
                      const std::vector<std::string>& notes) {
  const ModelInfo& info = model.info();
  std::string text = fmt::format("model: {} ({}, {} layers)\n\n",
                                 escape_controls(info.name.empty() ? info.path : info.name),
                                 info.architecture, info.n_layer);
  Table table;
  constexpr auto kKey = TableColumn::Kind::kKey;
  table.columns = {{"", "kernels", kKey, true}, {"", "weights", kKey, true},
                   {"", "threads", kKey},       {"single tokens", "tokens/s"},
                   {"single tokens", "spread"}, {"prompts", "tokens/s"},
                   {"prompts", "spread"}};
  std::vector<Setting> shown;
  for (const TuneCandidate& c : result.candidates) {
    const Setting setting{c.isa, c.layout, c.n_threads};
    if (std::find(shown.begin(), shown.end(), setting) != shown.end()) continue;
    shown.push_back(setting);
    std::vector<std::string> row = {c.isa, c.layout, std::to_string(c.n_threads)};
    append_cells(result, TunePhase::kDecode, setting, &row);
    append_cells(result, TunePhase::kPrefill, setting, &row);
    table.rows.push_back(std::move(row));
  }
  text += to_text(table, kWidth);
  const TuneChoice& choice = result.choice;
  text += fmt::format(
      "\n* choice: {} kernels, weights in {}; threads {}, for prompts {} ({:.1f} s)\n", choice.isa,
      choice.layout, choice.n_threads_decode, choice.n_threads_batch, result.seconds);
  text += gain(model, result);
  for (const std::string& note : notes) text += "note: " + note + "\n";
  return text;
}

Json tune_json(const Model& model, const TuneResult& result,
               const std::vector<std::string>& notes) {
  Json candidates = Json::array();
  for (const TuneCandidate& c : result.candidates) {
    Json rate;  // null: not measured
    if (!c.samples.empty()) {
      rate = {{"median", c.median}, {"spread", c.spread}, {"samples", c.samples}};
    }
    candidates.push_back({{"phase", c.phase == TunePhase::kDecode ? "decode" : "prefill"},
                          {"isa", c.isa},
                          {"weights", c.layout},
                          {"threads", c.n_threads},
                          {"tokens_per_second", std::move(rate)},
                          {"chosen", result.is_chosen(c)}});
  }
  const TuneChoice& choice = result.choice;
  const Engine& usual = model.engine();
  return {{"schema_version", kSchemaVersion},
          {"model", model_json(model)},
          {"choice",
           choice_json(choice.isa, choice.layout, choice.n_threads_decode, choice.n_threads_batch)},
          {"default", choice_json(std::string(usual.isa()), model.info().weights_layout,
                                  usual.n_threads_decode(), usual.n_threads_batch())},
          {"prompt_tokens", result.n_prompt},
          {"candidates", std::move(candidates)},
          {"notes", notes},
          {"seconds", result.seconds}};
}

}  // namespace tern::tools
