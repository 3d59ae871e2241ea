#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/math.h"
#include "sampling/random.h"
#include "sampling/select.h"
#include "tern/sampling.h"

namespace tern {
namespace {

// Large biases and penalties must not make infinities out of finite logits: +inf has no softmax,
// and -inf means forbidden. -inf itself stays.
float clamp_finite(float logit) {
  constexpr float kMax = std::numeric_limits<float>::max();
  return std::isinf(logit) ? std::copysign(kMax, logit) : logit;
}

double weight_of(const Candidate& candidate, double max, double temperature) {
  return portable_exp((static_cast<double>(candidate.first) - max) / temperature);
}

}  // namespace

Sampler::Sampler(const SamplingOptions& options, TokenId n_vocab)
    : options_(options), n_vocab_(n_vocab) {
  TERN_CHECK(n_vocab > 0);
  const size_t n = static_cast<size_t>(n_vocab);
  // All memory that sample() will need.
  logits_.resize(n);
  counts_.resize(n);
  candidates_.reserve(n);
  weights_.reserve(n);
}

TokenId Sampler::sample(std::span<const float> logits, std::span<const TokenId> history) {
  TERN_CHECK(logits.size() >= logits_.size());
  const uint64_t step = step_++;
  std::copy_n(logits.begin(), logits_.size(), logits_.begin());
  for (const auto& [id, bias] : options_.logit_bias) {
    float& logit = logits_[static_cast<size_t>(id)];
    const bool forbidden = std::isinf(logit) || std::isinf(bias);
    logit = forbidden ? -std::numeric_limits<float>::infinity() : clamp_finite(logit + bias);
  }
  apply_penalties(history);
  if (options_.temperature == 0.0f) {
    const auto best = std::max_element(logits_.begin(), logits_.end());  // the first of equals
    return std::isinf(*best) ? kNoToken : static_cast<TokenId>(best - logits_.begin());
  }
  keep_likely();
  return candidates_.empty() ? kNoToken : draw(step);
}

void Sampler::apply_penalties(std::span<const TokenId> history) {
  if (options_.repeat_penalty == 1.0f && options_.presence_penalty == 0.0f &&
      options_.frequency_penalty == 0.0f) {
    return;
  }
  if (options_.penalty_last_n >= 0) {
    const size_t n_last = std::min(history.size(), static_cast<size_t>(options_.penalty_last_n));
    history = history.last(n_last);
  }
  for (const TokenId id : history) {
    if (id >= 0 && id < n_vocab_) ++counts_[static_cast<size_t>(id)];
  }
  // Walking the window again leaves the counts at zero for the next call.
  for (const TokenId id : history) {
    if (id < 0 || id >= n_vocab_) continue;
    int32_t& count = counts_[static_cast<size_t>(id)];
    if (count == 0) continue;
    float& logit = logits_[static_cast<size_t>(id)];
    if (!std::isinf(logit)) {
      float changed =
          logit > 0.0f ? logit / options_.repeat_penalty : logit * options_.repeat_penalty;
      changed = clamp_finite(changed) - options_.presence_penalty;
      changed = clamp_finite(changed) - static_cast<float>(count) * options_.frequency_penalty;
      logit = clamp_finite(changed);
    }
    count = 0;
  }
}

void Sampler::keep_likely() {
  size_t n_sorted = 0;
  if (options_.top_k > 0) {
    select_top(logits_, static_cast<size_t>(options_.top_k), candidates_);
    n_sorted = candidates_.size();
  } else {
    candidates_.clear();
    for (size_t i = 0; i < logits_.size(); ++i) {
      if (!std::isinf(logits_[i])) candidates_.emplace_back(logits_[i], static_cast<TokenId>(i));
    }
  }
  const bool use_top_p = options_.top_p < 1.0f;
  if (candidates_.empty() || (!use_top_p && options_.min_p == 0.0f)) return;

  const double max = static_cast<double>(
      std::min_element(candidates_.begin(), candidates_.end(), is_better)->first);
  // Summed before anything is sorted further: the order is that of the ids, or the sorted one after
  // top-k, and so the same everywhere. nth_element leaves an order of the library's choosing.
  double total = 0.0;
  if (use_top_p) {
    for (const Candidate& candidate : candidates_) total += weight_of(candidate, max, 1.0);
  }
  // Both rules keep a prefix of the sorted candidates; sorting stops where the prefix ends.
  const double enough = static_cast<double>(options_.top_p) * total;
  double sum = 0.0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (i == n_sorted) n_sorted = sort_more(candidates_, n_sorted);
    const double weight = weight_of(candidates_[i], max, 1.0);
    if (i > 0 && weight < static_cast<double>(options_.min_p)) {
      candidates_.resize(i);
      return;
    }
    sum += weight;
    if (use_top_p && sum >= enough) {
      candidates_.resize(i + 1);
      return;
    }
  }
}

TokenId Sampler::draw(uint64_t step) {
  const double max = static_cast<double>(
      std::min_element(candidates_.begin(), candidates_.end(), is_better)->first);
  const double temperature = static_cast<double>(options_.temperature);
  weights_.clear();
  double total = 0.0;
  for (const Candidate& candidate : candidates_) {
    weights_.push_back(weight_of(candidate, max, temperature));
    total += weights_.back();
  }
  const double target = uniform_at(options_.seed, step) * total;
  double sum = 0.0;
  size_t chosen = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] == 0.0) continue;
    // Rounding may leave the target at the total; then the last possible token is it.
    chosen = i;
    sum += weights_[i];
    if (target < sum) break;
  }
  return candidates_[chosen].second;
}

}  // namespace tern
