#include "tune/choose.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace tern::tuning {
namespace {

constexpr double kLeastNoise = 0.02;
constexpr double kMostNoise = 0.10;

// Standard error of the median of normal samples, relative: 1.25 standard deviations, and the
// interquartile range is 1.35 of them.
double standard_error(const TuneCandidate& c) {
  return 1.25 / 1.35 * c.spread / std::sqrt(static_cast<double>(c.samples.size()));
}

struct Best {
  const TuneCandidate* fastest = nullptr;
  const TuneCandidate* chosen = nullptr;  // fewest threads that are as fast
};

// Kernel set and layout.
using Kind = std::pair<std::string, std::string>;

Best best_of(std::span<const TuneCandidate> candidates, const Kind& kind, TunePhase phase) {
  const auto takes_part = [&](const TuneCandidate& c) {
    return Kind(c.isa, c.layout) == kind && c.phase == phase && !c.samples.empty();
  };
  Best best;
  for (const TuneCandidate& c : candidates) {
    if (takes_part(c) && (best.fastest == nullptr || c.median > best.fastest->median)) {
      best.fastest = &c;
    }
  }
  for (const TuneCandidate& c : candidates) {
    if (!takes_part(c)) continue;
    if (c.median < best.fastest->median * (1.0 - noise_between(*best.fastest, c))) continue;
    if (best.chosen == nullptr || c.n_threads < best.chosen->n_threads) best.chosen = &c;
  }
  return best;
}

}  // namespace

double noise_between(const TuneCandidate& a, const TuneCandidate& b) {
  return std::clamp(std::hypot(standard_error(a), standard_error(b)), kLeastNoise, kMostNoise);
}

std::optional<TuneChoice> choose(std::span<const TuneCandidate> candidates) {
  std::vector<Kind> kinds;  // in the order given: the preferred one first
  for (const TuneCandidate& c : candidates) {
    const Kind kind(c.isa, c.layout);
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  }
  std::optional<TuneChoice> choice;
  double least = 0.0;  // product of both speeds to beat
  for (const Kind& kind : kinds) {
    const Best decode = best_of(candidates, kind, TunePhase::kDecode);
    const Best prefill = best_of(candidates, kind, TunePhase::kPrefill);
    if (decode.chosen == nullptr || prefill.chosen == nullptr) continue;
    const double speed = decode.fastest->median * prefill.fastest->median;
    if (choice && speed <= least) continue;
    choice =
        TuneChoice{kind.first, decode.chosen->n_threads, prefill.chosen->n_threads, kind.second};
    least = speed * (1.0 + kLeastNoise) * (1.0 + kLeastNoise);
  }
  return choice;
}

}  // namespace tern::tuning
