#include "tune_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "escape.h"

namespace tern::tools {
namespace {

constexpr double kCalm = 0.10;  // interquartile range / median

using Setting = std::pair<std::string, int>;  // kernels, threads

const TuneCandidate* find(const TuneResult& result, TunePhase phase, const Setting& setting) {
  for (const TuneCandidate& c : result.candidates) {
    if (c.phase == phase && c.isa == setting.first && c.n_threads == setting.second &&
        !c.samples.empty()) {
      return &c;
    }
  }
  return nullptr;
}

std::string cells(const TuneResult& result, TunePhase phase, const Setting& setting) {
  const TuneCandidate* c = find(result, phase, setting);
  if (c == nullptr) return fmt::format("{:>12}  {:>8}", "-", "-");
  return fmt::format("{:>10.1f} {}  {:>6.1f} %", c->median, result.is_chosen(*c) ? '*' : ' ',
                     100.0 * c->spread);
}

// "1.04 times the default's", or "" where the default was not measured.
std::string gain(const Engine& usual, const TuneResult& result) {
  const std::string isa(usual.isa());
  const TuneCandidate* decode = find(result, TunePhase::kDecode, {isa, usual.n_threads_decode()});
  const TuneCandidate* prefill = find(result, TunePhase::kPrefill, {isa, usual.n_threads_batch()});
  if (decode == nullptr || prefill == nullptr) return {};
  return fmt::format("against {} kernels, {} threads: decode x {:.2f}, prefill x {:.2f}\n", isa,
                     usual.n_threads_decode(), result.rate(TunePhase::kDecode) / decode->median,
                     result.rate(TunePhase::kPrefill) / prefill->median);
}

Json choice_json(const std::string& isa, int n_decode, int n_batch) {
  return {{"isa", isa}, {"threads", n_decode}, {"threads_batch", n_batch}};
}

}  // namespace

std::vector<std::string> tune_notes(const TuneResult& result) {
  double spread = 0.0;
  for (const TuneCandidate& c : result.candidates) {
    if (result.is_chosen(c)) spread = std::max(spread, c.spread);
  }
  if (spread <= kCalm) return {};
  return {
      fmt::format("the speeds scatter by {:.0f} %: something else keeps this machine busy; "
                  "measure again when it is idle, or longer with --budget",
                  100.0 * spread)};
}

std::string tune_text(const Model& model, const TuneResult& result) {
  const ModelInfo& info = model.info();
  std::string text = fmt::format("model: {} ({}, {} layers)\n\n",
                                 escape_controls(info.name.empty() ? info.path : info.name),
                                 info.architecture, info.n_layer);
  text += fmt::format("{:<12}  {:>7}  {:>12}  {:>8}  {:>12}  {:>8}\n", "kernels", "threads",
                      "decode tok/s", "spread", "prompt tok/s", "spread");
  std::vector<Setting> shown;
  for (const TuneCandidate& c : result.candidates) {
    const Setting setting(c.isa, c.n_threads);
    if (std::find(shown.begin(), shown.end(), setting) != shown.end()) continue;
    shown.push_back(setting);
    text += fmt::format("{:<12}  {:>7}  {}  {}\n", c.isa, c.n_threads,
                        cells(result, TunePhase::kDecode, setting),
                        cells(result, TunePhase::kPrefill, setting));
  }
  const TuneChoice& choice = result.choice;
  text += fmt::format("\n* choice: {} kernels, {} threads, {} for prompts ({:.1f} s)\n", choice.isa,
                      choice.n_threads_decode, choice.n_threads_batch, result.seconds);
  text += gain(model.engine(), result);
  for (const std::string& note : tune_notes(result)) text += "note: " + note + "\n";
  return text;
}

Json tune_json(const Model& model, const TuneResult& result) {
  Json candidates = Json::array();
  for (const TuneCandidate& c : result.candidates) {
    Json rate;  // null: not measured
    if (!c.samples.empty()) {
      rate = {{"median", c.median}, {"spread", c.spread}, {"samples", c.samples}};
    }
    candidates.push_back({{"phase", c.phase == TunePhase::kDecode ? "decode" : "prefill"},
                          {"isa", c.isa},
                          {"threads", c.n_threads},
                          {"tokens_per_second", std::move(rate)},
                          {"chosen", result.is_chosen(c)}});
  }
  const TuneChoice& choice = result.choice;
  const Engine& usual = model.engine();
  return {{"schema_version", kSchemaVersion},
          {"model", model_json(model)},
          {"choice", choice_json(choice.isa, choice.n_threads_decode, choice.n_threads_batch)},
          {"default", choice_json(std::string(usual.isa()), usual.n_threads_decode(),
                                  usual.n_threads_batch())},
          {"prompt_tokens", result.n_prompt},
          {"candidates", std::move(candidates)},
          {"notes", tune_notes(result)},
          {"seconds", result.seconds}};
}

}  // namespace tern::tools
