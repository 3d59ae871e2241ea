// Choosing the next token from logits. A Sampler is confined to one session.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tern/error.h"
#include "tern/tokenizer.h"

namespace tern {

/// A step between the logits and the token. The first two change logits; kTemperature sets how much
/// differences of logits count from there on; the others take candidates away and judge by the
/// probabilities of those that are left.
enum class SamplerStage { kPenalties, kDry, kTopK, kTypical, kTopP, kMinP, kXtc, kTemperature };
/// As --samplers spells it: "penalties", "dry", "top_k", ...
const char* stage_name(SamplerStage stage);
std::optional<SamplerStage> find_stage(std::string_view name);
std::span<const SamplerStage> all_stages();

/// Logit bias comes first, then the stages in `order`, a stage left out is off. With temperature 0
/// (greedy) and with mirostat the stages that take candidates away do nothing.
struct SamplingOptions {
  std::vector<SamplerStage> order = {SamplerStage::kPenalties, SamplerStage::kDry,
                                     SamplerStage::kTopK,      SamplerStage::kTypical,
                                     SamplerStage::kTopP,      SamplerStage::kMinP,
                                     SamplerStage::kXtc,       SamplerStage::kTemperature};

  float temperature = 0.8f;        // 0: greedy
  float dynatemp_range = 0.0f;     // 0: off; the temperature is within this distance, by entropy
  float dynatemp_exponent = 1.0f;  // of the entropy as a share of the largest possible
  int top_k = 40;                  // 0: off
  float top_p = 0.95f;             // 1: off
  float min_p = 0.05f;             // 0: off
  float typical_p = 1.0f;          // 1: off; Meister et al. 2022, "Locally typical sampling"
  float xtc_probability = 0.0f;    // 0: off; how often all but the last of the likely ones go
  float xtc_threshold = 0.1f;      // from which probability a token counts as likely

  float repeat_penalty = 1.0f;     // 1: off; divides positive and multiplies negative logits
  float presence_penalty = 0.0f;   // subtracted once from the logit of a token seen before
  float frequency_penalty = 0.0f;  // subtracted once per occurrence
  int penalty_last_n = 64;         // tokens looked back at; -1: all

  // DRY: a token that would make the text's end, of length n >= dry_allowed_length, a repetition of
  // something before loses dry_multiplier * dry_base^(n - dry_allowed_length).
  float dry_multiplier = 0.0f;  // 0: off
  float dry_base = 1.75f;
  int dry_allowed_length = 2;
  int dry_last_n = -1;  // tokens looked back at; -1: all
  // Repetitions do not reach across a token whose text contains one of these.
  std::vector<std::string> dry_breakers = {"\n", ":", "\"", "*"};

  // Mirostat 2 (Basu et al. 2021): keeps the surprise of the text near tau, in bits.
  bool mirostat = false;
  float mirostat_tau = 5.0f;
  float mirostat_eta = 0.1f;  // how fast the bound on a token's surprise follows

  uint64_t seed = 0;
  std::vector<std::pair<TokenId, float>> logit_bias;  // added; -inf forbids
};

/// The stages that change anything with these options, in order, with their settings:
/// "penalties (repeat 1.1, last 64), top_k 40, temperature 0.8".
std::string describe(const SamplingOptions& options);

/// kUsage naming the option that is out of range (NaN, negative temperature, top_p outside (0, 1],
/// a bias id outside the vocabulary, ...).
Result<void> validate(const SamplingOptions& options, TokenId n_vocab);

struct TokenProbability {
  TokenId id = 0;
  float logprob = 0.0f;  // natural logarithm, before any sampling change
};

/// What Sampler::sample returns when no token is possible.
inline constexpr TokenId kNoToken = -1;

/// Says which tokens may come next, for a Sampler.
class TokenFilter {
 public:
  virtual ~TokenFilter() = default;
  /// Whether this token may.
  virtual bool allows(TokenId id) = 0;
  /// Sets the logits of all that may not to -inf.
  virtual void forbid(std::span<float> logits) = 0;
};

class Sampler {
 public:
  /// n_vocab: ids at and above it are padding rows of the embedding and are never chosen.
  /// dry_breakers: the tokens that SamplingOptions::dry_breakers stands for, see breaker_tokens().
  /// REQUIRES: validate() succeeded.
  Sampler(const SamplingOptions& options, TokenId n_vocab,
          const std::vector<TokenId>& dry_breakers = {});
  ~Sampler();
  Sampler(Sampler&&) noexcept;
  Sampler& operator=(Sampler&&) noexcept;

  /// The next token. logits [>= n_vocab], finite or -inf; history: all tokens so far, for penalties
  /// and DRY. Same options, seed, step and logits give the same token on every machine: the random
  /// numbers of step i are functions of seed and i alone, and exp is our own. Ties go to the
  /// lower id. kNoToken when every token is at -inf. Does not allocate but for a history longer
  /// than any before.
  /// Draws as if the filter were not there, and only where it does not allow the token once more
  /// among those it does: asking for one token is much cheaper than asking for all.
  TokenId sample(std::span<const float> logits, std::span<const TokenId> history,
                 TokenFilter* filter = nullptr);

  /// Restarts the random numbers and mirostat at step 0.
  void reset();
  const SamplingOptions& options() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// Ids of the tokens whose text contains one of options.dry_breakers, ascending; none while DRY is
/// off.
std::vector<TokenId> breaker_tokens(const SamplingOptions& options, const Tokenizer& tokenizer);

/// log softmax of logits[0, n_vocab) at `id`, and the `n_top` most likely tokens, most likely first
/// (ties: lower id first).
float log_probability(std::span<const float> logits, TokenId n_vocab, TokenId id);
std::vector<TokenProbability> top_probabilities(std::span<const float> logits, TokenId n_vocab,
                                                int n_top);

}  // namespace tern
