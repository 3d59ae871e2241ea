// Two benchmarks measured by turns: A is ours, in this process, B a command of the user, whose
// output is parsed. What makes the machine slow for a while then hits both, and the ratio of every
// pair of neighbouring runs says more than two averages. Confined to one thread.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json_output.h"
#include "measure/bench_report.h"
#include "measure/statistics.h"
#include "rival_output.h"
#include "tern/error.h"

namespace tern::tools {

struct CompareOptions {
  std::string command;  // for /bin/sh
  int n_pairs = 5;      // at least 1; an interval needs 2
  double confidence = 0.95;
  /// CpuInfo::features of this machine: a rival built without them is suspicious.
  std::vector<std::string> cpu_features;
  /// First in the PATH of the command, so that `tern` is this build. "": the folder of the running
  /// program.
  std::string program_folder;
  /// Nothing is measured any more soon after this becomes true. May be null.
  const std::atomic<bool>* interrupt = nullptr;
  /// Called before every run; pair counts from 0, side is "A" or "B". May be empty.
  std::function<void(int pair, int n_pairs, std::string_view side)> progress;
};

/// Measures all rows of ours once. kInterrupted ends the comparison with what there is: it is for a
/// measurement that was cut short too, whose rows would not be like the others.
using MeasureOurs = std::function<Result<std::vector<RivalRow>>()>;

enum class Verdict {
  kFaster,             // the interval of A / B lies above 1
  kSlower,             // below 1
  kNoDifferenceShown,  // it holds 1
  kNotMeasured         // fewer than two pairs
};

/// One test that both sides have.
struct ComparedRow {
  RateKind kind = RateKind::kPrefill;
  int n_tokens = 0;
  int depth = 0;
  int n_threads_a = 0, n_threads_b = 0;  // 0: not told
  /// Tokens a second, one rate per run: the median of its repetitions, or their mean when one side
  /// tells no more than that. Sample i of both is a pair; an interrupted run leaves `a` one longer.
  std::vector<double> a, b;
  measure::Summary summary_a, summary_b;
  std::optional<measure::Interval> interval;  // of A / B, from two pairs on

  /// A / B: that of the interval, or of the only pair; none where B was not measured.
  std::optional<double> ratio() const;
  Verdict verdict() const;
};

struct Comparison {
  std::string command;
  int n_pairs_planned = 0;
  int n_pairs = 0;  // measured on both sides
  double confidence = 0.95;
  bool uses_means = false;  // rates are means of the repetitions, not medians
  // What the command told about itself; "" where it did not.
  std::string program, build, cpu, model, backend;
  std::vector<ComparedRow> rows;
  std::vector<std::string> suspicions;  // reasons to doubt that it is fair, for warnings
  std::vector<std::string> notes;       // rows without a partner, results left out
  bool interrupted = false;
};

/// Runs A B A B ... Rows match by kind, tokens and depth; by threads too where several would fit.
/// The command gets TERN_OUTPUT=json, so that `tern bench` needs no --output; TERN_COMPARE and
/// TERN_PLOT are removed from its environment.
/// Errors: those of `measure`; kUsage for an empty command or no pair; kNotAvailable when the
/// command fails, prints no result, or none that fits a row of ours, with the end of its standard
/// error; kInterrupted when nothing at all was measured.
Result<Comparison> run_comparison(const CompareOptions& options, const MeasureOurs& measure);

/// Our results as rows to compare. weights, bytes and parameters are taken from `report`.
std::vector<RivalRow> comparable_rows(const measure::BenchReport& report);

const char* verdict_text(Verdict verdict);

/// For a terminal of `columns` characters (0: 100): what was compared, a table, suspicions and
/// notes. Text of the command is escaped.
std::string to_text(const Comparison& comparison, size_t columns);
/// The same with a GitHub table.
std::string to_markdown(const Comparison& comparison);
/// The member "comparison" of a result, as tools/schema/bench.schema.json describes it. What is
/// not known is null.
Json to_json(const Comparison& comparison);

}  // namespace tern::tools
