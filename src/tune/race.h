// The order in which tune() measures, apart from what is measured, so that tests can drive it with
// made-up speeds and a made-up clock.
#pragma once

#include <functional>
#include <span>

#include "tern/error.h"
#include "tern/tune.h"

namespace tern::tuning {

struct RaceOptions {
  double budget_seconds = 5.0;
  int min_rounds = 3;   // even beyond the budget
  int max_rounds = 15;  // even within it
};

/// What a race needs of the world.
struct RaceHooks {
  /// One sample of a candidate in tokens a second.
  std::function<Result<double>(const TuneCandidate&)> measure;
  std::function<double()> now;  // seconds
};

/// Fills in samples, median and spread. Rounds of one sample each, every second one backwards, so
/// that a machine that grows warmer or busier favours nobody. A candidate whose samples all stay
/// 20 % below the leader of its phase drops out. In the first round, once a candidate does not
/// reach half of the leader in two samples, those of its kernel set, layout and phase with fewer
/// threads are not measured at all: speed rises with the threads until it falls, so they are slower
/// still (and one thread of a large machine would take longer than all else). Ends early when no
/// phase has two candidates left. REQUIRES: of each kernel set, layout and phase, those with most
/// threads first.
Result<void> race(std::span<TuneCandidate> candidates, const RaceOptions& options,
                  const RaceHooks& hooks);

}  // namespace tern::tuning
