// A comparison made by hand, for the tests of what shows it: nothing here was measured. Its rows
// have an interval, one that holds 1, and none, because B did not get that far.
#pragma once

#include <utility>
#include <vector>

#include "bench_compare.h"

namespace tern::test {

inline tools::ComparedRow sample_row(tools::RateKind kind, int n_tokens, std::vector<double> a,
                                     std::vector<double> b) {
  tools::ComparedRow row;
  row.kind = kind;
  row.n_tokens = n_tokens;
  row.n_threads_a = 2;
  row.n_threads_b = 2;
  row.a = std::move(a);
  row.b = std::move(b);
  row.summary_a = measure::summarize(row.a);
  row.summary_b = measure::summarize(row.b);
  return row;
}

inline tools::Comparison sample_comparison() {
  using tools::RateKind;
  tools::Comparison comparison;
  comparison.command = "llama-bench -m x.gguf -o json";
  comparison.n_pairs_planned = 5;
  comparison.n_pairs = 2;
  comparison.interrupted = true;
  comparison.program = "llama-bench";
  comparison.build = "8cf427ff";
  comparison.model = "llama 8B TQ2_0";
  comparison.rows = {sample_row(RateKind::kPrefill, 512, {3000.4, 3010.0}, {1500.0, 1500.0}),
                     sample_row(RateKind::kDecode, 64, {40.0, 41.0}, {40.5, 40.5}),
                     sample_row(RateKind::kDecode, 128, {0.5}, {})};
  comparison.rows[0].interval = {2.004, 1.9501, 2.0499};
  comparison.rows[1].interval = {1.0, 0.9, 1.1};
  comparison.rows[1].depth = 1024;
  comparison.rows[1].n_threads_b = 1;
  comparison.suspicions = {"it says that it is a debug build"};
  comparison.notes = {"prefill 256 of the command: not compared"};
  return comparison;
}

}  // namespace tern::test
