#include "bench_compare.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <utility>

#include "base/result.h"
#include "child_process.h"
#include "compare_rows.h"
#include "demo_model.h"

namespace tern::tools {
namespace {

using Rows = std::vector<RivalRow>;

/// One run of the command.
struct RivalRun {
  RivalOutput output;
  std::string log;  // all that it printed
  bool interrupted = false;
};

/// The last lines of a text, cut at about 1 KiB.
std::string last_lines(std::string_view text) {
  constexpr size_t kMaxBytes = 1024;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.size() > kMaxBytes) {
    text.remove_prefix(text.size() - kMaxBytes);
    if (const size_t line = text.find('\n'); line != std::string_view::npos) {
      text.remove_prefix(line + 1);
    }
  }
  return std::string(text);
}

Error command_error(std::string what, const ChildOutcome& outcome) {
  const std::string tail = last_lines(outcome.error_tail);
  if (!tail.empty()) what += "; the end of its standard error: " + tail;
  return Error{ErrorCode::kNotAvailable, std::move(what), {}};
}

Result<RivalRun> run_rival(const CompareOptions& options) {
  ChildOptions child;
  child.path_prefix = options.program_folder.empty() ? executable_path().parent_path().string()
                                                     : options.program_folder;
  child.variables = {{"TERN_OUTPUT", "json"}};
  // The command must not compare in turn, nor overwrite our picture.
  child.removed_variables = {"TERN_COMPARE", "TERN_PLOT"};
  child.max_output_bytes = kMaxRivalText;
  child.interrupt = options.interrupt;
  TERN_ASSIGN_OR_RETURN(ChildOutcome outcome, run_child(options.command, child));
  RivalRun run;
  run.interrupted = outcome.interrupted;
  if (outcome.interrupted) return run;
  if (outcome.printed_too_much) {
    return with_hint(command_error(fmt::format("the command to compare with printed more than {} "
                                               "MiB on standard output",
                                               kMaxRivalText >> 20),
                                   outcome),
                     "send its log to standard error or a file");
  }
  if (!outcome.succeeded()) {
    return with_hint(
        command_error("the command to compare with failed: " + outcome.describe(), outcome),
        "it must run by itself: try it in a shell");
  }
  auto output = parse_rival_output(outcome.output);
  if (!output) {
    return with_hint(
        command_error("the command to compare with: " + output.error().message, outcome),
        output.error().hint);
  }
  run.output = std::move(*output);
  run.log = std::move(outcome.output);
  run.log += "\n" + outcome.error_head + "\n" + outcome.error_tail;
  return run;
}

Error no_match(const Rows& ours, const Rows& theirs) {
  return with_hint(make_error(ErrorCode::kNotAvailable,
                              "nothing to compare: the command measured {}; this run measures {}",
                              list_rows(theirs), list_rows(ours)),
                   "give both the same prompt sizes (-p), generated tokens (-n) and depths (-d)");
}

/// Measures until all pairs are there. True when it was interrupted.
Result<bool> measure_pairs(const CompareOptions& options, const MeasureOurs& measure, Runs& runs) {
  const auto is_interrupted = [&] {
    return options.interrupt != nullptr && options.interrupt->load();
  };
  const auto announce = [&](int pair, std::string_view side) {
    if (options.progress) options.progress(pair, options.n_pairs, side);
  };
  for (int pair = 0; pair < options.n_pairs; ++pair) {
    if (is_interrupted()) return true;
    announce(pair, "A");
    auto ours = measure();
    if (!ours && ours.error().code == ErrorCode::kInterrupted) return true;
    if (!ours) return std::move(ours).error();
    runs.ours.push_back(std::move(*ours));
    if (is_interrupted()) return true;
    announce(pair, "B");
    auto rival = run_rival(options);
    if (!rival && pair == 0) return std::move(rival).error();
    if (!rival) {
      return with_context(std::move(rival).error(),
                          fmt::format("run {} of {}", pair + 1, options.n_pairs));
    }
    if (rival->interrupted) return true;
    if (pair == 0) {
      if (match_rows(runs.ours[0], rival->output.rows).empty()) {
        return no_match(runs.ours[0], rival->output.rows);
      }
      runs.first_log = std::move(rival->log);
    }
    runs.theirs.push_back(std::move(rival->output));
  }
  return false;
}

}  // namespace

std::optional<double> ComparedRow::ratio() const {
  if (interval) return interval->ratio;
  if (b.empty()) return std::nullopt;
  return a.front() / b.front();
}

Verdict ComparedRow::verdict() const {
  if (!interval) return Verdict::kNotMeasured;
  if (interval->low > 1.0) return Verdict::kFaster;
  if (interval->high < 1.0) return Verdict::kSlower;
  return Verdict::kNoDifferenceShown;
}

const char* verdict_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFaster:
      return "faster";
    case Verdict::kSlower:
      return "slower";
    case Verdict::kNoDifferenceShown:
      return "no difference shown";
    case Verdict::kNotMeasured:
      return "too few pairs";
  }
  return "unknown";
}

Result<Comparison> run_comparison(const CompareOptions& options, const MeasureOurs& measure) {
  if (options.n_pairs < 1) {
    return make_error(ErrorCode::kUsage, "a comparison needs a pair of runs");
  }
  if (!(options.confidence > 0.0 && options.confidence < 1.0)) {
    return make_error(ErrorCode::kUsage, "confidence {} is not between 0 and 1",
                      options.confidence);
  }
  Runs runs;
  TERN_ASSIGN_OR_RETURN(const bool interrupted, measure_pairs(options, measure, runs));
  if (runs.ours.empty()) {
    return make_error(ErrorCode::kInterrupted, "interrupted before anything was measured");
  }
  Comparison comparison = evaluate(options, runs);
  comparison.interrupted = interrupted;
  return comparison;
}

std::vector<RivalRow> comparable_rows(const measure::BenchReport& report) {
  std::vector<RivalRow> rows;
  const auto add = [&](RateKind kind, int n_tokens, int n_threads, const measure::BenchRow& row,
                       const std::optional<measure::Phase>& phase) {
    if (!phase || phase->samples.empty()) return;
    rows.push_back({.kind = kind,
                    .n_tokens = n_tokens,
                    .depth = row.depth,
                    .n_threads = n_threads,
                    .n_batch = report.n_batch,
                    .samples = phase->samples,
                    .mean = std::accumulate(phase->samples.begin(), phase->samples.end(), 0.0) /
                            static_cast<double>(phase->samples.size()),
                    .model = report.model_name,
                    .weights = report.weights_format,
                    .backend = "CPU",
                    .model_bytes = report.file_bytes,
                    .n_parameters = report.n_parameters});
  };
  for (const measure::BenchRow& row : report.rows) {
    add(RateKind::kPrefill, row.n_prompt, row.n_threads, row, row.prefill);
    add(RateKind::kDecode, row.n_generate,
        row.n_threads_decode > 0 ? row.n_threads_decode : row.n_threads, row, row.decode);
  }
  return rows;
}

}  // namespace tern::tools
