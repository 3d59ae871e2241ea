#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/math.h"
#include "sampling/candidates.h"
#include "sampling/clamp_finite.h"
#include "sampling/random.h"
#include "sampling/stages.h"
#include "tern/sampling.h"

namespace tern {
namespace {

constexpr double kLn2 = 0.693147180559945309417;

}  // namespace

class Sampler::State {
 public:
  State(const SamplingOptions& options, TokenId n_vocab, const std::vector<TokenId>& breakers)
      : options_(options),
        n_vocab_(static_cast<size_t>(n_vocab)),
        breakers_(breakers),
        candidates_(n_vocab_),
        marks_(n_vocab_) {
    for (const SamplerStage stage : options_.order) {
      const StageRow& row = stage_row(stage);
      if (!has_part(row, options_)) continue;
      stages_.push_back(&row);
      if (stage == SamplerStage::kTypical) distances_.reserve(n_vocab_);
    }
    std::sort(breakers_.begin(), breakers_.end());
    weights_.reserve(n_vocab_);
    reset();
  }

  void reset() {
    step_ = 0;
    max_surprise_ = 2.0 * static_cast<double>(options_.mirostat_tau);
  }

  TokenId sample(std::span<const float> logits, std::span<const TokenId> history,
                 TokenFilter* filter) {
    TERN_CHECK(logits.size() >= n_vocab_);
    const uint64_t step = step_++;
    const double max_surprise = max_surprise_;
    candidates_.reset(logits);
    const TokenId id = choose(history, options_.seed, step);
    if (filter == nullptr || id == kNoToken || filter->allows(id)) return id;
    max_surprise_ = max_surprise;
    candidates_.reset(logits);
    filter->forbid(candidates_.logits());
    // With the same number again the tokens beside the forbidden one would be favoured.
    constexpr uint64_t kSecondDraw = 0x736563;
    return choose(history, options_.seed ^ random_bits(kSecondDraw, 0), step);
  }

  const SamplingOptions& options() const { return options_; }

 private:
  TokenId choose(std::span<const TokenId> history, uint64_t seed, uint64_t step) {
    for (const auto& [id, bias] : options_.logit_bias) {
      float& logit = candidates_.logits()[static_cast<size_t>(id)];
      const bool forbidden = std::isinf(logit) || std::isinf(bias);
      logit = forbidden ? -std::numeric_limits<float>::infinity() : clamp_finite(logit + bias);
    }
    SamplingStep state = {options_, candidates_, history,  breakers_, seed,
                          step,     marks_,      matches_, distances_};
    for (const StageRow* row : stages_) row->apply(state);
    if (options_.temperature == 0.0f) return candidates_.best();
    if (candidates_.size() == 0) return kNoToken;
    return options_.mirostat ? draw_mirostat(seed, step) : draw(seed, step);
  }

  TokenId draw(uint64_t seed, uint64_t step) {
    const auto items = candidates_.items();
    weights_.clear();
    double total = 0.0;
    for (const Candidate& candidate : items) {
      weights_.push_back(candidates_.weight(candidate));
      total += weights_.back();
    }
    const double target = uniform_at(seed, step) * total;
    double sum = 0.0;
    size_t chosen = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
      if (weights_[i] == 0.0) continue;
      // Rounding may leave the target at the total; then the last possible token is it.
      chosen = i;
      sum += weights_[i];
      if (target < sum) break;
    }
    return items[chosen].second;
  }

  // Tokens up to a bound of surprise, which follows what the tokens drawn had.
  TokenId draw_mirostat(uint64_t seed, uint64_t step) {
    const double total = candidates_.total();
    const auto surprise = [](double weight, double sum) {
      return (portable_log(sum) - portable_log(weight)) / kLn2;
    };
    size_t n_kept = 1;
    while (n_kept < candidates_.size()) {
      const double weight = candidates_.weight(candidates_.sorted(n_kept));
      if (weight == 0.0 || surprise(weight, total) > max_surprise_) break;
      ++n_kept;
    }
    candidates_.sorted(0);
    candidates_.keep_range(0, n_kept);
    const TokenId id = draw(seed, step);
    double kept_total = 0.0;
    double chosen = 0.0;
    for (size_t i = 0; i < n_kept; ++i) {
      kept_total += weights_[i];
      if (candidates_.items()[i].second == id) chosen = weights_[i];
    }
    max_surprise_ -= static_cast<double>(options_.mirostat_eta) *
                     (surprise(chosen, kept_total) - static_cast<double>(options_.mirostat_tau));
    return id;
  }

  SamplingOptions options_;
  size_t n_vocab_;
  std::vector<TokenId> breakers_;  // ascending
  std::vector<const StageRow*> stages_;
  uint64_t step_ = 0;
  double max_surprise_ = 0.0;  // of mirostat, bits
  Candidates candidates_;
  TokenMarks marks_;
  std::vector<int32_t> matches_;
  std::vector<std::pair<double, Candidate>> distances_;
  std::vector<double> weights_;  // of the candidates at the last draw
};

Sampler::Sampler(const SamplingOptions& options, TokenId n_vocab,
                 const std::vector<TokenId>& dry_breakers) {
  TERN_CHECK(n_vocab > 0);
  state_ = std::make_unique<State>(options, n_vocab, dry_breakers);
}

Sampler::~Sampler() = default;
Sampler::Sampler(Sampler&&) noexcept = default;
Sampler& Sampler::operator=(Sampler&&) noexcept = default;

TokenId Sampler::sample(std::span<const float> logits, std::span<const TokenId> history,
                        TokenFilter* filter) {
  return state_->sample(logits, history, filter);
}

void Sampler::reset() { state_->reset(); }

const SamplingOptions& Sampler::options() const { return state_->options(); }

std::vector<TokenId> breaker_tokens(const SamplingOptions& options, const Tokenizer& tokenizer) {
  std::vector<TokenId> ids;
  if (!has_part(stage_row(SamplerStage::kDry), options)) return ids;
  for (TokenId id = 0; id < tokenizer.n_vocab(); ++id) {
    const std::string text = tokenizer.token_bytes(id);
    const bool breaks = std::any_of(
        options.dry_breakers.begin(), options.dry_breakers.end(),
        [&](const std::string& breaker) { return text.find(breaker) != std::string::npos; });
    if (breaks) ids.push_back(id);
  }
  return ids;
}

}  // namespace tern
