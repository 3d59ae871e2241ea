#include "tune/race.h"

#include <algorithm>
#include <vector>

#include "base/result.h"
#include "measure/statistics.h"

namespace tern::tuning {
namespace {

constexpr double kHopeless = 0.8;   // of the leader's median, at best
constexpr double kCollapsed = 0.5;  // where fewer threads are not tried

class Race {
 public:
  Race(std::span<TuneCandidate> candidates, const RaceHooks& hooks)
      : candidates_(candidates), hooks_(hooks), running_(candidates.size(), true) {}

  Result<void> first_round() {
    for (size_t i = 0; i < candidates_.size(); ++i) {
      if (!running_[i]) continue;
      TERN_RETURN_IF_ERROR(sample(i));
      if (!below(i, kCollapsed)) continue;
      // A single sample may have met a stall.
      TERN_RETURN_IF_ERROR(sample(i));
      if (below(i, kCollapsed)) drop_from(i);
    }
    return {};
  }

  Result<void> round(bool backwards) {
    for (size_t step = 0; step < candidates_.size(); ++step) {
      const size_t i = backwards ? candidates_.size() - 1 - step : step;
      if (running_[i]) TERN_RETURN_IF_ERROR(sample(i));
    }
    for (size_t i = 0; i < candidates_.size(); ++i) {
      if (running_[i] && below(i, kHopeless)) running_[i] = false;
    }
    return {};
  }

  bool is_open() const {
    for (const TunePhase phase : {TunePhase::kDecode, TunePhase::kPrefill}) {
      int n = 0;
      for (size_t i = 0; i < candidates_.size(); ++i) {
        n += running_[i] && candidates_[i].phase == phase ? 1 : 0;
      }
      if (n > 1) return true;
    }
    return false;
  }

 private:
  Result<void> sample(size_t i) {
    TuneCandidate& c = candidates_[i];
    TERN_ASSIGN_OR_RETURN(const double rate, hooks_.measure(c));
    c.samples.push_back(rate);
    const measure::Summary summary = measure::summarize(c.samples);
    c.median = summary.median;
    c.spread = summary.spread;
    return {};
  }

  // Whether even the best sample is below this part of the leader's median.
  bool below(size_t i, double part) const {
    const TuneCandidate& c = candidates_[i];
    double leader = 0.0;
    for (const TuneCandidate& other : candidates_) {
      if (other.phase == c.phase) leader = std::max(leader, other.median);
    }
    return *std::max_element(c.samples.begin(), c.samples.end()) < part * leader;
  }

  // The candidate and those of the same kind with fewer threads.
  void drop_from(size_t first) {
    const TuneCandidate& c = candidates_[first];
    for (size_t i = first; i < candidates_.size(); ++i) {
      const TuneCandidate& other = candidates_[i];
      if (other.phase == c.phase && other.isa == c.isa && other.layout == c.layout &&
          other.n_threads <= c.n_threads) {
        running_[i] = false;
      }
    }
  }

  std::span<TuneCandidate> candidates_;
  const RaceHooks& hooks_;
  std::vector<bool> running_;
};

}  // namespace

Result<void> race(std::span<TuneCandidate> candidates, const RaceOptions& options,
                  const RaceHooks& hooks) {
  Race race(candidates, hooks);
  const double start = hooks.now();
  TERN_RETURN_IF_ERROR(race.first_round());
  double before = start;  // the last round
  for (int n_rounds = 1; n_rounds < options.max_rounds; ++n_rounds) {
    const double now = hooks.now();
    // Another round would take about as long as the last one.
    const bool in_time = now - start + (now - before) <= options.budget_seconds;
    if (n_rounds >= options.min_rounds && (!in_time || !race.is_open())) break;
    before = now;
    TERN_RETURN_IF_ERROR(race.round(/*backwards=*/n_rounds % 2 == 1));
  }
  return {};
}

}  // namespace tern::tuning
