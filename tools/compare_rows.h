// From the runs of both sides to a Comparison: which rows belong together, one rate per run, ratios
// and intervals. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "bench_compare.h"
#include "rival_output.h"

namespace tern::tools {

/// All runs so far, in their order; theirs are as many as ours or one less.
struct Runs {
  std::vector<std::vector<RivalRow>> ours;
  std::vector<RivalOutput> theirs;
  std::string first_log;  // all that the command printed in its first run
};

/// Rows of the first runs that are compared, by their places in them.
struct Match {
  size_t ours = 0;
  size_t theirs = 0;
};

/// Pairs of rows that are each other's only partner: the same test and, where several have it, the
/// same threads.
std::vector<Match> match_rows(const std::vector<RivalRow>& ours,
                              const std::vector<RivalRow>& theirs);

/// REQUIRES: at least one run of ours.
Comparison evaluate(const CompareOptions& options, const Runs& runs);

/// "prefill 512 @ 1024 with 2 threads"
std::string full_label(const RivalRow& row);
/// The labels of the first rows, and how many more there are; "nothing" without a row.
std::string list_rows(const std::vector<RivalRow>& rows);

}  // namespace tern::tools
