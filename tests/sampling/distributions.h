// Made-up distributions and what a sampler makes of them.
#pragma once

#include <cmath>
#include <set>
#include <vector>

#include "tern/sampling.h"

namespace tern {

/// Nothing but the temperature.
inline SamplingOptions plain(float temperature) {
  SamplingOptions options;
  options.temperature = temperature;
  options.top_k = 0;
  options.top_p = 1.0f;
  options.min_p = 0.0f;
  return options;
}

inline std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

/// Relative frequencies of n draws.
inline std::vector<double> frequencies(const SamplingOptions& options,
                                       const std::vector<float>& logits, int n) {
  Sampler sampler(options, static_cast<TokenId>(logits.size()));
  std::vector<double> counts(logits.size());
  for (int i = 0; i < n; ++i) counts[static_cast<size_t>(sampler.sample(logits, {}))] += 1.0 / n;
  return counts;
}

inline std::set<TokenId> drawn(const SamplingOptions& options, const std::vector<float>& logits,
                               int n) {
  Sampler sampler(options, static_cast<TokenId>(logits.size()));
  std::set<TokenId> ids;
  for (int i = 0; i < n; ++i) ids.insert(sampler.sample(logits, {}));
  return ids;
}

}  // namespace tern
