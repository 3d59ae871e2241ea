// Bench results made by hand, for the tests of what shows them: nothing here was measured.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "measure/bench_report.h"
#include "plot.h"

namespace tern::test {

/// One thread count and depth, both phases, energy measured, every field filled.
measure::BenchReport complete_report();
/// Decode only, with nothing else known about the run or the machine.
measure::BenchReport minimal_report();
/// Ctrl-C during the first decode: the row has no decode, and more rows were to come.
measure::BenchReport interrupted_report();
/// Names with line breaks, escape sequences, quotes, markup and bytes that are not UTF-8.
measure::BenchReport hostile_report();

/// Thread counts at the depths.
measure::BenchReport thread_sweep(const std::vector<int>& depths = {0},
                                  const std::vector<int>& n_threads = {1, 2, 4, 8});
/// Depths 0 to 32768 with 2 threads.
measure::BenchReport depth_sweep();
/// Rows that differ in the prompt and the generated tokens.
measure::BenchReport many_rows(int n_rows);
/// Limits that cross, one of them partly far from what was measured.
measure::BenchReport near_limits();
measure::BenchReport decode_only(measure::BenchReport report);
/// Rates multiplied by `factor`.
measure::BenchReport scaled(measure::BenchReport report, double factor);

/// Prefill and decode of two configurations; with n_groups, so many decodes at growing depth.
tools::ComparisonChart comparison();
tools::ComparisonChart many_comparisons(int n_groups);
tools::ComparisonChart hostile_comparison();
std::vector<std::pair<std::string, tools::ComparisonChart>> all_charts();

/// All of the above with a name fit for a file.
std::vector<std::pair<std::string, measure::BenchReport>> all_reports();

}  // namespace tern::test
