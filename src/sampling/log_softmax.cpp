#include "sampling/log_softmax.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/math.h"
#include "sampling/select.h"
#include "tern/sampling.h"

namespace tern {

double log_sum_exp(std::span<const float> logits) {
  if (logits.empty()) return -std::numeric_limits<double>::infinity();
  const double max = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  if (max == -std::numeric_limits<double>::infinity()) return max;
  double sum = 0.0;
  for (const float logit : logits) sum += portable_exp(static_cast<double>(logit) - max);
  return max + portable_log(sum);
}

float log_probability(std::span<const float> logits, TokenId n_vocab, TokenId id) {
  TERN_CHECK(n_vocab > 0 && logits.size() >= static_cast<size_t>(n_vocab));
  TERN_CHECK(id >= 0 && id < n_vocab);
  const auto real = logits.first(static_cast<size_t>(n_vocab));
  return static_cast<float>(static_cast<double>(real[static_cast<size_t>(id)]) - log_sum_exp(real));
}

std::vector<TokenProbability> top_probabilities(std::span<const float> logits, TokenId n_vocab,
                                                int n_top) {
  TERN_CHECK(n_vocab > 0 && logits.size() >= static_cast<size_t>(n_vocab));
  if (n_top <= 0) return {};
  const auto real = logits.first(static_cast<size_t>(n_vocab));
  const double log_sum = log_sum_exp(real);
  std::vector<Candidate> best;
  select_top(real, static_cast<size_t>(n_top), best);
  std::vector<TokenProbability> result;
  result.reserve(best.size());
  for (const auto& [logit, id] : best) {
    result.push_back({id, static_cast<float>(static_cast<double>(logit) - log_sum)});
  }
  return result;
}

}  // namespace tern
