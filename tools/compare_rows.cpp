#include "compare_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <span>

#include "rival_suspicions.h"

namespace tern::tools {
namespace {

using Rows = std::vector<RivalRow>;

bool same_test(const RivalRow& a, const RivalRow& b) {
  return a.kind == b.kind && a.n_tokens == b.n_tokens && a.depth == b.depth;
}

/// Within the runs of one side.
bool same_row(const RivalRow& a, const RivalRow& b) {
  return same_test(a, b) && a.n_threads == b.n_threads && a.model == b.model;
}

/// The row of `rows` that fits: the only one of that test, or the only one with the same threads.
std::optional<size_t> find_partner(const RivalRow& row, const Rows& rows) {
  std::vector<size_t> candidates;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (same_test(row, rows[i])) candidates.push_back(i);
  }
  if (candidates.size() > 1) {
    std::erase_if(candidates, [&](size_t i) { return rows[i].n_threads != row.n_threads; });
  }
  if (candidates.size() != 1) return std::nullopt;
  return candidates[0];
}

/// One rate for a run; none when there is no usable one.
std::optional<double> rate_of(const RivalRow* row, bool use_mean) {
  if (row == nullptr) return std::nullopt;
  const auto& samples = row->samples;
  double rate = row->mean;
  if (!samples.empty() && use_mean) {
    rate =
        std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
  } else if (!samples.empty()) {
    rate = measure::summarize(samples).median;
  }
  if (!(rate > 0.0 && std::isfinite(rate))) return std::nullopt;
  return rate;
}

const RivalRow* find_row(const Rows& rows, const RivalRow& wanted) {
  const auto it = std::find_if(rows.begin(), rows.end(),
                               [&](const RivalRow& row) { return same_row(row, wanted); });
  return it == rows.end() ? nullptr : &*it;
}

ComparedRow compare_row(const RivalRow& ours, const RivalRow* theirs, const Runs& runs,
                        const Comparison& comparison) {
  ComparedRow row;
  row.kind = ours.kind;
  row.n_tokens = ours.n_tokens;
  row.depth = ours.depth;
  row.n_threads_a = ours.n_threads;
  row.n_threads_b = theirs != nullptr ? theirs->n_threads : 0;
  for (size_t i = 0; i < runs.ours.size(); ++i) {
    const auto a = rate_of(find_row(runs.ours[i], ours), comparison.uses_means);
    // In the run that was interrupted, ours may stand alone.
    if (i == runs.theirs.size()) {
      if (a) row.a.push_back(*a);
      break;
    }
    if (theirs == nullptr) continue;
    const auto b = rate_of(find_row(runs.theirs[i].rows, *theirs), comparison.uses_means);
    if (!a || !b) continue;
    row.a.push_back(*a);
    row.b.push_back(*b);
  }
  row.summary_a = measure::summarize(row.a);
  row.summary_b = measure::summarize(row.b);
  if (row.b.size() >= 2) {
    row.interval = measure::bootstrap_ratio(std::span(row.a).first(row.b.size()), row.b,
                                            comparison.confidence);
  }
  return row;
}

void describe_rival(const RivalOutput& rival, Comparison& comparison) {
  comparison.program = rival.program;
  comparison.build = rival.build;
  comparison.cpu = rival.cpu;
  for (const RivalRow& row : rival.rows) {
    if (comparison.model.empty()) comparison.model = row.model;
    if (comparison.backend.empty()) comparison.backend = row.backend;
  }
  comparison.notes = rival.notes;
}

/// Some row of these runs tells its mean only.
bool lacks_samples(const Runs& runs, const RivalRow& ours, const RivalRow& theirs) {
  const auto lacks = [](const Rows& rows, const RivalRow& wanted) {
    const RivalRow* row = find_row(rows, wanted);
    return row != nullptr && row->samples.empty();
  };
  return std::any_of(runs.ours.begin(), runs.ours.end(),
                     [&](const Rows& rows) { return lacks(rows, ours); }) ||
         std::any_of(runs.theirs.begin(), runs.theirs.end(),
                     [&](const RivalOutput& output) { return lacks(output.rows, theirs); });
}

/// Notes on rows without a partner.
void note_lonely_rows(const Rows& ours, const Rows& theirs, const std::vector<Match>& matches,
                      Comparison& comparison) {
  const auto note = [&](const Rows& rows, auto member, const char* what) {
    Rows lonely;
    for (size_t i = 0; i < rows.size(); ++i) {
      const bool is_matched = std::any_of(matches.begin(), matches.end(),
                                          [&](const Match& match) { return match.*member == i; });
      if (!is_matched) lonely.push_back(rows[i]);
    }
    if (!lonely.empty()) comparison.notes.push_back(what + list_rows(lonely));
  };
  note(ours, &Match::ours, "not compared, as the command has no single row for it: ");
  note(theirs, &Match::theirs, "not compared, as no single row of ours fits the command's: ");
}

}  // namespace

std::string full_label(const RivalRow& row) {
  std::string label = row_label(row.kind, row.n_tokens, row.depth);
  if (row.n_threads > 0) label += " with " + count_label(row.n_threads, "thread");
  return label;
}

std::string list_rows(const Rows& rows) {
  constexpr size_t kMaxRows = 12;
  std::string text;
  for (size_t i = 0; i < std::min(rows.size(), kMaxRows); ++i) {
    text += (i == 0 ? "" : ", ") + full_label(rows[i]);
  }
  if (rows.size() > kMaxRows) text += fmt::format(" and {} more", rows.size() - kMaxRows);
  return text.empty() ? "nothing" : text;
}

std::vector<Match> match_rows(const Rows& ours, const Rows& theirs) {
  std::vector<Match> matches;
  for (size_t i = 0; i < ours.size(); ++i) {
    const auto partner = find_partner(ours[i], theirs);
    if (partner && find_partner(theirs[*partner], ours) == i) matches.push_back({i, *partner});
  }
  return matches;
}

Comparison evaluate(const CompareOptions& options, const Runs& runs) {
  Comparison comparison;
  comparison.command = options.command;
  comparison.n_pairs_planned = options.n_pairs;
  comparison.n_pairs = static_cast<int>(runs.theirs.size());
  comparison.confidence = options.confidence;
  const Rows& ours = runs.ours.front();
  if (runs.theirs.empty()) {
    for (const RivalRow& row : ours) {
      comparison.rows.push_back(compare_row(row, nullptr, runs, comparison));
    }
    return comparison;
  }
  const RivalOutput& rival = runs.theirs.front();
  describe_rival(rival, comparison);
  const std::vector<Match> matches = match_rows(ours, rival.rows);
  note_lonely_rows(ours, rival.rows, matches, comparison);
  // Medians against means would favour one side wherever the noise leans to one side.
  comparison.uses_means = std::any_of(matches.begin(), matches.end(), [&](const Match& match) {
    return lacks_samples(runs, ours[match.ours], rival.rows[match.theirs]);
  });
  std::vector<RowPair> pairs;
  for (const Match& match : matches) {
    const RivalRow& theirs = rival.rows[match.theirs];
    pairs.push_back({&ours[match.ours], &theirs});
    comparison.rows.push_back(compare_row(ours[match.ours], &theirs, runs, comparison));
    if (comparison.rows.back().b.size() < runs.theirs.size()) {
      comparison.notes.push_back(full_label(ours[match.ours]) + ": missing in some of the runs");
    }
  }
  comparison.suspicions = suspicions(rival, runs.first_log, pairs, options.cpu_features);
  return comparison;
}

}  // namespace tern::tools
