#include "bench_compare.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "bench_output.h"
#include "bench_reports.h"
#include "support/contains.h"
#include "support/temp_dir.h"

namespace tern::tools {
namespace {

RivalRow row(RateKind kind, int n_tokens, double rate, int n_threads = 2, int depth = 0) {
  return {.kind = kind,
          .n_tokens = n_tokens,
          .depth = depth,
          .n_threads = n_threads,
          .samples = {rate * 0.99, rate, rate * 1.02},
          .mean = rate * 1.01};
}

/// Runs of ours: prefill 512 at 300 tokens/s and decode 64 at 40, times a factor for every run.
MeasureOurs ours(std::vector<double> factors, int* n_calls = nullptr) {
  auto next = std::make_shared<size_t>(0);
  return [=]() -> Result<std::vector<RivalRow>> {
    if (n_calls != nullptr) ++*n_calls;
    const double factor = factors[std::min((*next)++, factors.size() - 1)];
    return std::vector<RivalRow>{row(RateKind::kPrefill, 512, 300.0 * factor),
                                 row(RateKind::kDecode, 64, 40.0 * factor)};
  };
}

/// One line of llama-bench -o jsonl.
std::string line(int n_prompt, int n_gen, const std::string& rates, int n_threads = 2) {
  std::ostringstream text;
  text << R"({"build_commit": "8cf427ff", "cpu_info": "Some CPU", "backends": "CPU", )"
       << R"("model_type": "llama 1B I2_S - 2 bpw ternary", "n_threads": )" << n_threads
       << R"(, "n_prompt": )" << n_prompt << R"(, "n_gen": )" << n_gen
       << R"(, "n_depth": 0, "avg_ts": 1.0, "samples_ts": [)" << rates << "]}";
  return text.str();
}

/// A command that prints lines, and something on standard error.
std::string printing(const std::vector<std::string>& lines) {
  std::string command = "echo some log >&2; printf '%s\\n'";
  for (const std::string& text : lines) command += " '" + text + "'";
  return command;
}

CompareOptions with(const std::string& command, int n_pairs = 4) {
  CompareOptions options;
  options.command = command;
  options.n_pairs = n_pairs;
  return options;
}

Comparison compare(const CompareOptions& options, const MeasureOurs& measure) {
  auto comparison = run_comparison(options, measure);
  EXPECT_TRUE(comparison) << comparison.error().message;
  return comparison ? std::move(*comparison) : Comparison{};
}

Error failure(const CompareOptions& options, const MeasureOurs& measure) {
  const auto comparison = run_comparison(options, measure);
  EXPECT_FALSE(comparison);
  return comparison ? Error{} : comparison.error();
}

using test::contains;

TEST(Comparison, RunsByTurnsAndGivesRatiosWithIntervals) {
  const test::TempDir folder;
  const std::string journal = folder.file("journal");
  CompareOptions options =
      with("echo B >> '" + journal + "'; " +
           printing({line(512, 0, "149, 150, 151"), line(0, 64, "40, 40, 40")}));
  std::vector<std::string> announced;
  options.progress = [&](int pair, int n_pairs, std::string_view side) {
    announced.push_back(std::to_string(pair) + "/" + std::to_string(n_pairs) + std::string(side));
  };
  const MeasureOurs measure = ours({1.0, 1.02, 0.99, 1.01});
  const Comparison comparison = compare(options, [&] {
    std::ofstream(journal, std::ios::app) << "A\n";
    return measure();
  });
  std::ostringstream order;
  order << std::ifstream(journal).rdbuf();
  EXPECT_EQ(order.str(), "A\nB\nA\nB\nA\nB\nA\nB\n");
  EXPECT_EQ(announced, (std::vector<std::string>{"0/4A", "0/4B", "1/4A", "1/4B", "2/4A", "2/4B",
                                                 "3/4A", "3/4B"}));
  EXPECT_EQ(comparison.n_pairs, 4);
  EXPECT_FALSE(comparison.interrupted);
  EXPECT_FALSE(comparison.uses_means);
  EXPECT_EQ(comparison.program, "llama-bench");
  EXPECT_EQ(comparison.build, "8cf427ff");
  EXPECT_EQ(comparison.model, "llama 1B I2_S - 2 bpw ternary");
  ASSERT_EQ(comparison.rows.size(), 2u);

  const ComparedRow& prefill = comparison.rows[0];
  EXPECT_EQ(prefill.a, (std::vector<double>{300.0, 300.0 * 1.02, 300.0 * 0.99, 300.0 * 1.01}));
  EXPECT_EQ(prefill.b, (std::vector<double>{150.0, 150.0, 150.0, 150.0}));
  ASSERT_TRUE(prefill.interval);
  EXPECT_NEAR(prefill.interval->ratio, 2.01, 0.01);
  EXPECT_EQ(prefill.verdict(), Verdict::kFaster);
  EXPECT_DOUBLE_EQ(prefill.summary_b.median, 150.0);

  const ComparedRow& decode = comparison.rows[1];
  EXPECT_LT(decode.interval->low, 1.0);
  EXPECT_GT(decode.interval->high, 1.0);
  EXPECT_EQ(decode.verdict(), Verdict::kNoDifferenceShown);
}

TEST(Comparison, ARivalThatIsFasterMakesUsSlower) {
  const Comparison comparison =
      compare(with(printing({line(0, 64, "80")})), ours({1.0, 1.01, 0.99, 1.0}));
  ASSERT_EQ(comparison.rows.size(), 1u);
  EXPECT_EQ(comparison.rows[0].verdict(), Verdict::kSlower);
}

TEST(Comparison, MeansAreComparedWithMeans) {
  // A Markdown table tells no samples.
  const Comparison comparison = compare(
      with("printf '| model | test | t/s |\\n| m | tg64 | 20.00 +- 0.10 |\\n'", 2), ours({1.0}));
  ASSERT_EQ(comparison.rows.size(), 1u);
  EXPECT_TRUE(comparison.uses_means);
  EXPECT_NEAR(comparison.rows[0].a[0], 40.0 * (0.99 + 1.0 + 1.02) / 3.0, 1e-9);
  EXPECT_DOUBLE_EQ(comparison.rows[0].b[0], 20.0);
}

TEST(Comparison, OneRunWithoutSamplesMakesAllOfThemMeans) {
  const test::TempDir folder;
  const std::string table =
      "printf '| model | threads | test | t/s |\\n"
      "| llama 1B I2_S - 2 bpw ternary | 2 | tg64 | 20.00 |\\n'";
  const std::string first = "[ -e '" + folder.file("x") + "' ]";
  const Comparison comparison =
      compare(with("if " + first + "; then " + table + "; else touch '" + folder.file("x") + "'; " +
                       printing({line(0, 64, "10, 20, 60")}) + "; fi",
                   3),
              ours({1.0}));
  ASSERT_EQ(comparison.rows.size(), 1u);
  EXPECT_TRUE(comparison.uses_means);
  EXPECT_EQ(comparison.rows[0].b, (std::vector<double>{30.0, 20.0, 20.0}));
}

TEST(Comparison, ARateOfOursThatIsNoneIsMissing) {
  int n_calls = 0;
  const Comparison comparison = compare(with(printing({line(0, 64, "20")}), 3), [&] {
    RivalRow decode = row(RateKind::kDecode, 64, 40.0);
    if (++n_calls == 2) decode.samples = {0.0};
    return Result<std::vector<RivalRow>>(std::vector<RivalRow>{decode});
  });
  ASSERT_EQ(comparison.rows.size(), 1u);
  EXPECT_EQ(comparison.rows[0].a.size(), 2u);
  EXPECT_EQ(comparison.rows[0].b.size(), 2u);
  ASSERT_EQ(comparison.notes.size(), 1u);
  EXPECT_TRUE(contains(comparison.notes[0], "missing in some"));
}

TEST(Comparison, AFailureLaterNamesTheRun) {
  const test::TempDir folder;
  const Error error = failure(with("[ -e '" + folder.file("x") + "' ] && exit 7; touch '" +
                                   folder.file("x") + "'; " + printing({line(0, 64, "20")})),
                              ours({1.0}));
  EXPECT_EQ(error.code, ErrorCode::kNotAvailable);
  EXPECT_TRUE(contains(error.message, "run 2 of 4")) << error.message;
  EXPECT_TRUE(contains(error.message, "exit status 7")) << error.message;
}

TEST(Comparison, ManyRowsWithoutAPartnerAreCounted) {
  std::vector<std::string> lines = {line(0, 64, "20")};
  for (int n = 100; n < 140; ++n) lines.push_back(line(0, n, "20"));
  const Comparison comparison = compare(with(printing(lines), 2), ours({1.0}));
  ASSERT_EQ(comparison.notes.size(), 2u);
  EXPECT_TRUE(contains(comparison.notes[1], "and 28 more")) << comparison.notes[1];
}

TEST(Comparison, RowsWithoutAPartnerAreNamed) {
  const Comparison comparison = compare(
      with(printing({line(0, 64, "20"), line(0, 128, "20"), line(256, 0, "20")}), 2), ours({1.0}));
  ASSERT_EQ(comparison.rows.size(), 1u);
  EXPECT_EQ(comparison.rows[0].n_tokens, 64);
  ASSERT_EQ(comparison.notes.size(), 2u);
  EXPECT_TRUE(contains(comparison.notes[0], "prefill 512"));
  EXPECT_TRUE(contains(comparison.notes[1], "decode 128 with 2 threads, prefill 256"));
}

TEST(Comparison, ThreadsDecideWhereSeveralRowsFit) {
  const MeasureOurs measure = [] {
    return Result<std::vector<RivalRow>>(std::vector<RivalRow>{
        row(RateKind::kDecode, 64, 10.0, 1), row(RateKind::kDecode, 64, 20.0, 2)});
  };
  const Comparison comparison =
      compare(with(printing({line(0, 64, "5", 2), line(0, 64, "2.5", 1), line(0, 64, "9", 4)}), 2),
              measure);
  ASSERT_EQ(comparison.rows.size(), 2u);
  EXPECT_EQ(comparison.rows[0].n_threads_b, 1);
  EXPECT_NEAR(comparison.rows[0].interval->ratio, 4.0, 1e-9);
  EXPECT_EQ(comparison.rows[1].n_threads_b, 2);
  EXPECT_NEAR(comparison.rows[1].interval->ratio, 4.0, 1e-9);
  ASSERT_EQ(comparison.notes.size(), 1u);
  EXPECT_TRUE(contains(comparison.notes[0], "4 threads"));
  EXPECT_TRUE(comparison.suspicions.empty());
}

TEST(Comparison, OneRowOfTheTestIsEnoughWhateverItsThreads) {
  // One thread against two is a comparison, and a reason for a warning.
  const Comparison comparison = compare(with(printing({line(0, 64, "20", 1)}), 2), ours({1.0}));
  ASSERT_EQ(comparison.rows.size(), 1u);
  ASSERT_EQ(comparison.suspicions.size(), 1u);
  EXPECT_TRUE(contains(comparison.suspicions[0], "1 thread there and 2 here"));
}

TEST(Comparison, OneSideWithSeveralRowsOfATestIsAmbiguous) {
  const Error error =
      failure(with(printing({line(0, 64, "20", 4), line(0, 64, "21", 4)})), ours({1.0}));
  EXPECT_EQ(error.code, ErrorCode::kNotAvailable);
}

TEST(Comparison, LooksForSuspiciousSignsInAllThatIsPrinted) {
  CompareOptions options = with(
      "echo 'warning: debug build, performance may be affected' >&2; "
      "echo 'system_info: AVX = 1 | AVX2 = 0 |'; " +
          printing({line(512, 0, "21"), line(0, 64, "20")}),
      2);
  options.cpu_features = {"avx2"};
  const Comparison comparison = compare(options, ours({1.0}));
  ASSERT_EQ(comparison.suspicions.size(), 3u);
  EXPECT_TRUE(contains(comparison.suspicions[0], "batches"));
  EXPECT_TRUE(contains(comparison.suspicions[1], "AVX2"));
  EXPECT_TRUE(contains(comparison.suspicions[2], "debug build"));
}

TEST(Comparison, ACommandThatFailsIsQuotedWithTheEndOfItsErrors) {
  int n_calls = 0;
  const Error error = failure(with("echo first >&2; echo 'cannot open model.gguf' >&2; exit 3"),
                              ours({1.0}, &n_calls));
  EXPECT_EQ(error.code, ErrorCode::kNotAvailable);
  EXPECT_TRUE(contains(error.message, "exit status 3")) << error.message;
  EXPECT_TRUE(contains(error.message, "cannot open model.gguf")) << error.message;
  EXPECT_FALSE(error.hint.empty());
  EXPECT_EQ(n_calls, 1);

  const Error killed = failure(with("kill -SEGV $$"), ours({1.0}));
  EXPECT_TRUE(contains(killed.message, "signal 11")) << killed.message;
  const Error missing = failure(with("no-such-benchmark -m x"), ours({1.0}));
  EXPECT_TRUE(contains(missing.message, "command not found")) << missing.message;
}

TEST(Comparison, OnlyTheEndOfLongErrorsIsQuoted) {
  const Error error = failure(with("head -c 100000 /dev/zero | tr '\\0' '\\n' >&2; "
                                   "i=0; while [ $i -lt 500 ]; do echo line $i >&2; i=$((i+1)); "
                                   "done; exit 1"),
                              ours({1.0}));
  EXPECT_LT(error.message.size(), 1300u);
  EXPECT_TRUE(contains(error.message, "line 499"));
}

TEST(Comparison, ACommandWithoutAResultIsAnError) {
  const Error error = failure(with("echo hello; echo 'what happened' >&2"), ours({1.0}));
  EXPECT_EQ(error.code, ErrorCode::kNotAvailable);
  EXPECT_TRUE(contains(error.message, "no result of a benchmark")) << error.message;
  EXPECT_TRUE(contains(error.message, "what happened")) << error.message;
  EXPECT_TRUE(contains(error.hint, "--output json")) << error.hint;

  const Error endless = failure(with("yes"), ours({1.0}));
  EXPECT_EQ(endless.code, ErrorCode::kNotAvailable);
  EXPECT_TRUE(contains(endless.message, "MiB")) << endless.message;
}

TEST(Comparison, NothingInCommonIsAnErrorThatNamesBoth) {
  const Error error = failure(with(printing({line(0, 128, "20")})), ours({1.0}));
  EXPECT_EQ(error.code, ErrorCode::kNotAvailable);
  EXPECT_TRUE(contains(error.message, "decode 128")) << error.message;
  EXPECT_TRUE(contains(error.message, "prefill 512")) << error.message;
}

TEST(Comparison, OurOwnErrorIsPassedOn) {
  const Error error = failure(with("true"), [] {
    return Result<std::vector<RivalRow>>(Error{ErrorCode::kOutOfMemory, "too large", ""});
  });
  EXPECT_EQ(error.code, ErrorCode::kOutOfMemory);
  EXPECT_EQ(failure(with("  "), ours({1.0})).code, ErrorCode::kUsage);
  EXPECT_EQ(failure(with("true", 0), ours({1.0})).code, ErrorCode::kUsage);
}

/// Sets the flag from the side and pair named like "2B".
Comparison interrupted_at(const std::string& place, int n_pairs = 4) {
  std::atomic<bool> interrupt = false;
  CompareOptions options = with(printing({line(512, 0, "150"), line(0, 64, "40")}), n_pairs);
  options.interrupt = &interrupt;
  options.progress = [&](int pair, int, std::string_view side) {
    if (std::to_string(pair) + std::string(side) == place) interrupt = true;
  };
  const MeasureOurs measure = ours({1.0, 1.01, 0.99});
  return compare(options, [&]() -> Result<std::vector<RivalRow>> {
    if (interrupt) return Error{ErrorCode::kInterrupted, "interrupted", ""};
    return measure();
  });
}

TEST(Comparison, AnInterruptKeepsWhatWasMeasured) {
  const Comparison two = interrupted_at("2A");
  EXPECT_TRUE(two.interrupted);
  EXPECT_EQ(two.n_pairs, 2);
  EXPECT_EQ(two.n_pairs_planned, 4);
  EXPECT_TRUE(two.rows[0].interval);
  EXPECT_EQ(two.rows[0].a.size(), 2u);

  const Comparison half = interrupted_at("2B");
  EXPECT_EQ(half.n_pairs, 2);
  EXPECT_EQ(half.rows[0].a.size(), 3u);
  EXPECT_EQ(half.rows[0].b.size(), 2u);
  EXPECT_TRUE(half.rows[0].interval);

  // One pair has a ratio, but no interval.
  const Comparison one = interrupted_at("1A");
  ASSERT_EQ(one.rows.size(), 2u);
  EXPECT_FALSE(one.rows[0].interval);
  EXPECT_EQ(one.rows[0].verdict(), Verdict::kNotMeasured);
  EXPECT_DOUBLE_EQ(*one.rows[0].ratio(), 2.0);

  // Only our side: its rates.
  const Comparison none = interrupted_at("0B");
  ASSERT_EQ(none.rows.size(), 2u);
  EXPECT_EQ(none.n_pairs, 0);
  EXPECT_EQ(none.rows[0].a, (std::vector<double>{300.0}));
  EXPECT_FALSE(none.rows[0].ratio());
}

TEST(Comparison, AnInterruptBeforeAnythingIsAnError) {
  const std::atomic<bool> interrupt = true;
  CompareOptions options = with("true");
  options.interrupt = &interrupt;
  EXPECT_EQ(failure(options, ours({1.0})).code, ErrorCode::kInterrupted);
}

TEST(Comparison, TheCommandFindsThisProgramAndPrintsJsonByDefault) {
  const test::TempDir folder;
  const std::string program = folder.file("tern");
  std::ofstream(program) << "#!/bin/sh\n[ \"$TERN_OUTPUT,${TERN_COMPARE-},${TERN_PLOT-}\" = "
                            "'json,,' ] && "
                         << printing({line(0, 64, "20")}) << "\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  ::setenv("TERN_COMPARE", "tern bench", 1);
  ::setenv("TERN_PLOT", "picture.svg", 1);
  CompareOptions options = with("tern bench", 2);
  options.program_folder = folder.path();
  EXPECT_EQ(compare(options, ours({1.0})).rows.size(), 1u);
  ::unsetenv("TERN_COMPARE");
  ::unsetenv("TERN_PLOT");
}

TEST(Comparison, ARowThatIsMissingInSomeRunsIsNoted) {
  const test::TempDir folder;
  // The second run has no decode.
  const Comparison comparison =
      compare(with("n=$(cat '" + folder.file("n") + "' 2>/dev/null || echo 0); echo $((n+1)) > '" +
                       folder.file("n") + "'; " + printing({line(512, 0, "150")}) +
                       "; [ $n -eq 1 ] || { " + printing({line(0, 64, "20")}) + "; }",
                   3),
              ours({1.0}));
  ASSERT_EQ(comparison.rows.size(), 2u);
  EXPECT_EQ(comparison.rows[0].b.size(), 3u);
  EXPECT_EQ(comparison.rows[1].b.size(), 2u);
  EXPECT_EQ(comparison.rows[1].a.size(), 2u);
  ASSERT_EQ(comparison.notes.size(), 1u);
  EXPECT_TRUE(contains(comparison.notes[0], "decode 64"));
}

TEST(ComparableRows, AreThePhasesOfAReport) {
  measure::BenchReport report;
  report.model_name = "BitNet";
  report.weights_format = "I2_S";
  report.file_bytes = 1000;
  report.n_parameters = 4000;
  report.n_batch = 512;
  measure::BenchRow both;
  both.n_threads = 4;
  both.n_threads_decode = 2;
  both.n_prompt = 512;
  both.n_generate = 64;
  both.depth = 1024;
  both.prefill.emplace().samples = {299.0, 301.0};
  both.decode.emplace().samples = {40.0};
  measure::BenchRow cut = both;
  cut.prefill->samples.clear();
  cut.decode.reset();
  report.rows = {both, cut};
  const std::vector<RivalRow> rows = comparable_rows(report);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].kind, RateKind::kPrefill);
  EXPECT_EQ(rows[0].n_tokens, 512);
  EXPECT_EQ(rows[0].depth, 1024);
  EXPECT_EQ(rows[0].n_threads, 4);
  EXPECT_EQ(rows[0].samples.size(), 2u);
  EXPECT_DOUBLE_EQ(rows[0].mean, 300.0);
  EXPECT_EQ(rows[0].weights, "I2_S");
  EXPECT_EQ(rows[1].kind, RateKind::kDecode);
  EXPECT_EQ(rows[1].n_threads, 2);
}

TEST(ComparableRows, AreWhatOurOwnResultsAreReadAs) {
  const measure::BenchReport report = test::complete_report();
  const std::vector<RivalRow> expected = comparable_rows(report);
  ASSERT_EQ(expected.size(), 2u);
  for (const std::string& text :
       {to_text(to_json(report), true), to_text(to_json(report), false), to_json_lines(report)}) {
    const auto output = parse_rival_output("some log\n" + text);
    ASSERT_TRUE(output) << output.error().message;
    EXPECT_EQ(output->program, "tern");
    EXPECT_EQ(output->build, report.version + " " + report.commit);
    EXPECT_EQ(output->cpu, report.cpu.model_name);
    ASSERT_EQ(output->rows.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      const RivalRow& row = output->rows[i];
      EXPECT_EQ(row.kind, expected[i].kind);
      EXPECT_EQ(row.n_tokens, expected[i].n_tokens);
      EXPECT_EQ(row.depth, expected[i].depth);
      EXPECT_EQ(row.n_threads, expected[i].n_threads);
      EXPECT_EQ(row.n_batch, expected[i].n_batch);
      EXPECT_EQ(row.samples, expected[i].samples);
      EXPECT_EQ(row.model, expected[i].model);
      EXPECT_EQ(row.weights, expected[i].weights);
      EXPECT_EQ(row.model_bytes, expected[i].model_bytes);
      EXPECT_EQ(row.n_parameters, expected[i].n_parameters);
    }
  }
}

}  // namespace
}  // namespace tern::tools
