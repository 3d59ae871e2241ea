// Choosing the next token from logits. A Sampler is confined to one session.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tern/error.h"
#include "tern/tokenizer.h"

namespace tern {

/// Applied in this order: logit bias, penalties, top-k, top-p, min-p, temperature.
struct SamplingOptions {
  float temperature = 0.8f;        // 0: greedy
  int top_k = 40;                  // 0: off
  float top_p = 0.95f;             // 1: off
  float min_p = 0.05f;             // 0: off
  float repeat_penalty = 1.0f;     // 1: off; divides positive and multiplies negative logits
  float presence_penalty = 0.0f;   // subtracted once from the logit of a token seen before
  float frequency_penalty = 0.0f;  // subtracted once per occurrence
  int penalty_last_n = 64;         // tokens looked back at; -1: all
  uint64_t seed = 0;
  std::vector<std::pair<TokenId, float>> logit_bias;  // added; -inf forbids
};

/// kUsage naming the option that is out of range (NaN, negative temperature, top_p outside (0, 1],
/// a bias id outside the vocabulary, ...).
Result<void> validate(const SamplingOptions& options, TokenId n_vocab);

struct TokenProbability {
  TokenId id = 0;
  float logprob = 0.0f;  // natural logarithm, before any sampling change
};

/// What Sampler::sample returns when no token is possible.
inline constexpr TokenId kNoToken = -1;

class Sampler {
 public:
  /// n_vocab: ids at and above it are padding rows of the embedding and are never chosen.
  /// REQUIRES: validate() succeeded.
  Sampler(const SamplingOptions& options, TokenId n_vocab);

  /// The next token. logits [>= n_vocab], finite or -inf; history: all tokens so far, for the
  /// penalties. Same options, seed, step and logits give the same token on every machine: the
  /// random number of step i is a function of seed and i alone, and exp is our own. Ties go to the
  /// lower id. kNoToken when every token is at -inf. Does not allocate.
  TokenId sample(std::span<const float> logits, std::span<const TokenId> history);

  /// Restarts the random numbers at step 0.
  void reset() { step_ = 0; }
  const SamplingOptions& options() const { return options_; }

 private:
  void apply_penalties(std::span<const TokenId> history);
  void keep_likely();  // top-k, top-p, min-p: logits_ to candidates_
  TokenId draw(uint64_t step);

  SamplingOptions options_;
  TokenId n_vocab_;
  uint64_t step_ = 0;
  std::vector<float> logits_;    // [n_vocab] working copy
  std::vector<int32_t> counts_;  // [n_vocab] occurrences in the window; zero between calls
  std::vector<std::pair<float, TokenId>> candidates_;
  std::vector<double> weights_;  // of the candidates, at the temperature
};

/// log softmax of logits[0, n_vocab) at `id`, and the `n_top` most likely tokens, most likely first
/// (ties: lower id first).
float log_probability(std::span<const float> logits, TokenId n_vocab, TokenId id);
std::vector<TokenProbability> top_probabilities(std::span<const float> logits, TokenId n_vocab,
                                                int n_top);

}  // namespace tern
