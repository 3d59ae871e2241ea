#include "tern/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "base/math.h"
#include "distributions.h"
#include "sampling/random.h"

namespace tern {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(Sampler, GreedyTakesTheLowestOfEqualBestIds) {
  Sampler sampler(plain(0.0f), 5);
  EXPECT_EQ(sampler.sample(std::vector<float>{1, 3, 2, 3, 0}, {}), 1);
}

TEST(Sampler, PaddingRowsAreNeverChosen) {
  const std::vector<float> logits = {0.0f, 1.0f, 100.0f, 100.0f};
  Sampler greedy(plain(0.0f), 2);
  EXPECT_EQ(greedy.sample(logits, {}), 1);
  Sampler warm(plain(5.0f), 2);
  for (int i = 0; i < 200; ++i) EXPECT_LT(warm.sample(logits, {}), 2);
}

TEST(Sampler, NoPossibleTokenIsReported) {
  SamplingOptions options = plain(0.0f);
  options.logit_bias = {{0, -kInf}, {1, -kInf}};
  const std::vector<float> logits = {1.0f, 2.0f};
  EXPECT_EQ(Sampler(options, 2).sample(logits, {}), kNoToken);
  options.temperature = 1.0f;
  EXPECT_EQ(Sampler(options, 2).sample(logits, {}), kNoToken);
  options.top_k = 1;
  options.top_p = 0.5f;
  EXPECT_EQ(Sampler(options, 2).sample(logits, {}), kNoToken);
}

TEST(Sampler, FrequenciesFollowTheSoftmax) {
  const std::vector<double> p = {0.1, 0.45, 0.05, 0.4};
  const int n = 40000;
  const auto f = frequencies(plain(1.0f), logits_of(p), n);
  for (size_t i = 0; i < p.size(); ++i) {
    EXPECT_NEAR(f[i], p[i], 5.0 * std::sqrt(p[i] * (1.0 - p[i]) / n)) << i;
  }
}

TEST(Sampler, TemperatureRaisesProbabilitiesToItsInverse) {
  const std::vector<double> p = {0.2, 0.8};
  const int n = 40000;
  // p^(1/2) normalised: sqrt(0.2) / (sqrt(0.2) + sqrt(0.8)) = 1/3.
  const auto f = frequencies(plain(2.0f), logits_of(p), n);
  EXPECT_NEAR(f[0], 1.0 / 3.0, 5.0 * std::sqrt(2.0 / 9.0 / n));
  // A temperature near zero is greedy.
  EXPECT_EQ(drawn(plain(1e-30f), logits_of(p), 100), std::set<TokenId>{1});
}

TEST(Sampler, TopKKeepsTheBestAndRenormalises) {
  SamplingOptions options = plain(1.0f);
  options.top_k = 2;
  const auto logits = logits_of({0.1, 0.3, 0.2, 0.3, 0.1});
  EXPECT_EQ(drawn(options, logits, 500), (std::set<TokenId>{1, 3}));
  options.top_k = 1;
  EXPECT_EQ(drawn(options, logits, 100), (std::set<TokenId>{1}));  // ties: lower id
  const auto f = frequencies(options, logits, 10);
  EXPECT_NEAR(f[1], 1.0, 1e-9);
}

TEST(Sampler, TopPKeepsTheShortestPrefixThatReachesP) {
  SamplingOptions options = plain(1.0f);
  const auto logits = logits_of({0.15, 0.5, 0.25, 0.1});
  options.top_p = 0.49f;
  EXPECT_EQ(drawn(options, logits, 300), (std::set<TokenId>{1}));
  options.top_p = 0.7f;
  EXPECT_EQ(drawn(options, logits, 300), (std::set<TokenId>{1, 2}));
  options.top_p = 0.8f;
  EXPECT_EQ(drawn(options, logits, 500), (std::set<TokenId>{0, 1, 2}));
  options.top_p = 1e-9f;  // at least one token stays
  EXPECT_EQ(drawn(options, logits, 300), (std::set<TokenId>{1}));
}

TEST(Sampler, TopPCountsWhatTopKLeft) {
  // Of {0.4, 0.3} left by top-k, 0.4 is 57 percent: enough for 0.55, not for 0.6.
  SamplingOptions options = plain(1.0f);
  options.top_k = 2;
  const auto logits = logits_of({0.4, 0.3, 0.2, 0.1});
  options.top_p = 0.55f;
  EXPECT_EQ(drawn(options, logits, 300), (std::set<TokenId>{0}));
  options.top_p = 0.6f;
  EXPECT_EQ(drawn(options, logits, 300), (std::set<TokenId>{0, 1}));
}

TEST(Sampler, MinPKeepsWhatReachesAShareOfTheBest) {
  SamplingOptions options = plain(1.0f);
  const auto logits = logits_of({0.5, 0.24, 0.16, 0.1});
  options.min_p = 0.4f;
  EXPECT_EQ(drawn(options, logits, 300), (std::set<TokenId>{0, 1}));
  options.min_p = 1.0f;
  EXPECT_EQ(drawn(options, logits, 300), (std::set<TokenId>{0}));
  options.min_p = 0.19f;
  EXPECT_EQ(drawn(options, logits, 900), (std::set<TokenId>{0, 1, 2, 3}));
}

TEST(Sampler, CutsAreMadeBeforeTheTemperature) {
  // At temperature 10 the two are nearly equal; min-p still sees 0.9 against 0.1.
  SamplingOptions options = plain(10.0f);
  options.min_p = 0.2f;
  EXPECT_EQ(drawn(options, logits_of({0.1, 0.9}), 300), (std::set<TokenId>{1}));
}

TEST(Sampler, RepeatPenaltyDividesPositiveAndMultipliesNegativeLogits) {
  SamplingOptions options = plain(0.0f);
  options.repeat_penalty = 2.0f;
  // 3 / 2 = 1.5 falls below 2.
  EXPECT_EQ(Sampler(options, 2).sample(std::vector<float>{3, 2}, std::vector<TokenId>{0}), 1);
  EXPECT_EQ(Sampler(options, 2).sample(std::vector<float>{5, 2}, std::vector<TokenId>{0}), 0);
  // -1 * 2 falls below -1.5; repeated tokens are punished once.
  EXPECT_EQ(Sampler(options, 2).sample(std::vector<float>{-1, -1.5}, std::vector<TokenId>{0}), 1);
  EXPECT_EQ(Sampler(options, 2).sample(std::vector<float>{-1, -2.5}, std::vector<TokenId>{0, 0, 0}),
            0);
}

TEST(Sampler, PresenceCountsOnceAndFrequencyEveryTime) {
  SamplingOptions options = plain(0.0f);
  options.presence_penalty = 1.0f;
  const std::vector<TokenId> three_times = {0, 0, 0};
  EXPECT_EQ(Sampler(options, 2).sample(std::vector<float>{2.5, 1}, three_times), 0);
  EXPECT_EQ(Sampler(options, 2).sample(std::vector<float>{1.5, 1}, three_times), 1);
  options.presence_penalty = 0.0f;
  options.frequency_penalty = 1.0f;
  EXPECT_EQ(Sampler(options, 2).sample(std::vector<float>{3.5, 1}, three_times), 1);
  EXPECT_EQ(Sampler(options, 2).sample(std::vector<float>{4.5, 1}, three_times), 0);
}

TEST(Sampler, PenaltiesLookBackAsFarAsTold) {
  SamplingOptions options = plain(0.0f);
  options.presence_penalty = 1.0f;
  const std::vector<float> logits = {1.5f, 1.0f, 0.0f};
  const std::vector<TokenId> history = {0, 2, 2};
  options.penalty_last_n = 2;
  EXPECT_EQ(Sampler(options, 3).sample(logits, history), 0);
  options.penalty_last_n = 3;
  EXPECT_EQ(Sampler(options, 3).sample(logits, history), 1);
  options.penalty_last_n = -1;
  EXPECT_EQ(Sampler(options, 3).sample(logits, history), 1);
  options.penalty_last_n = 0;
  EXPECT_EQ(Sampler(options, 3).sample(logits, history), 0);
}

TEST(Sampler, PenaltiesOfOneStepDoNotLeakIntoTheNext) {
  SamplingOptions options = plain(0.0f);
  options.frequency_penalty = 1.0f;
  Sampler sampler(options, 2);
  const std::vector<float> logits = {1.5f, 1.0f};
  EXPECT_EQ(sampler.sample(logits, std::vector<TokenId>{0}), 1);
  EXPECT_EQ(sampler.sample(logits, {}), 0);
  // Ids outside the vocabulary (a padding row forced by a prompt) are passed over.
  EXPECT_EQ(sampler.sample(logits, std::vector<TokenId>{-5, 2, 1 << 30}), 0);
}

TEST(Sampler, LogitBiasIsAddedAndMayForbid) {
  SamplingOptions options = plain(0.0f);
  options.logit_bias = {{1, 2.0f}, {1, 2.0f}, {2, -kInf}, {2, 100.0f}};
  EXPECT_EQ(Sampler(options, 3).sample(std::vector<float>{3, 0, 9}, {}), 1);
}

TEST(Sampler, HugeBiasesAndPenaltiesStayFinite) {
  SamplingOptions options = plain(1.0f);
  options.logit_bias = {{0, 3e38f}, {1, -3e38f}};
  options.frequency_penalty = -3e38f;
  options.repeat_penalty = 1e-30f;
  Sampler sampler(options, 3);
  const std::vector<float> logits = {3e38f, -3e38f, 1e20f};
  EXPECT_EQ(sampler.sample(logits, std::vector<TokenId>{0, 0, 0}), 0);
  EXPECT_NE(sampler.sample(logits, std::vector<TokenId>{2, 2}), kNoToken);
}

TEST(Sampler, SameSeedAndStepGiveTheSameToken) {
  const std::vector<float> logits(100, 0.0f);
  SamplingOptions options = plain(1.0f);
  options.seed = 12345;
  Sampler a(options, 100);
  Sampler b(options, 100);
  std::vector<TokenId> first;
  for (int i = 0; i < 50; ++i) first.push_back(a.sample(logits, {}));
  // Another text before changes nothing: only the step counts.
  for (int i = 0; i < 50; ++i) EXPECT_EQ(b.sample(logits, first), first[static_cast<size_t>(i)]);
  a.reset();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(a.sample(logits, {}), first[static_cast<size_t>(i)]);
  options.seed = 12346;
  Sampler c(options, 100);
  int n_equal = 0;
  for (int i = 0; i < 50; ++i) n_equal += c.sample(logits, {}) == first[static_cast<size_t>(i)];
  EXPECT_LT(n_equal, 10);
}

TEST(Sampler, RandomNumbersArePinnedAndSpread) {
  // The first values of seed 0 and 1 as 53-bit integers, computed by a separate program: texts of a
  // seed must not change between versions and machines.
  const auto bits = [](uint64_t seed, uint64_t step) {
    return static_cast<uint64_t>(uniform_at(seed, step) * 0x1p53);
  };
  EXPECT_EQ(bits(0, 0), 5876733520225071ULL);
  EXPECT_EQ(bits(0, 1), 6315957190297641ULL);
  EXPECT_EQ(bits(1, 0), 3316356330981164ULL);
  EXPECT_EQ(bits(~0ULL, ~0ULL), 2403545779318817ULL);
  double mean = 0.0;
  for (uint64_t i = 0; i < 10000; ++i) {
    const double u = uniform_at(99, i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    mean += u / 10000;
  }
  EXPECT_NEAR(mean, 0.5, 5.0 / std::sqrt(12.0 * 10000));
}

/// Allows the tokens it was given.
class SomeTokens final : public TokenFilter {
 public:
  explicit SomeTokens(std::set<TokenId> ids) : ids_(std::move(ids)) {}
  bool allows(TokenId id) override { return ids_.count(id) > 0; }
  void forbid(std::span<float> logits) override {
    for (size_t i = 0; i < logits.size(); ++i) {
      if (!allows(static_cast<TokenId>(i))) logits[i] = -kInf;
    }
  }

 private:
  std::set<TokenId> ids_;
};

TEST(Sampler, AFilterLeavesTheOthersInTheirProportion) {
  SomeTokens filter({1, 2});
  Sampler sampler(plain(1.0f), 4);
  const std::vector<float> logits = logits_of({0.5, 0.1, 0.3, 0.1});
  const int n = 40000;
  std::vector<double> found(4);
  for (int i = 0; i < n; ++i) {
    found[static_cast<size_t>(sampler.sample(logits, {}, &filter))] += 1.0 / n;
  }
  EXPECT_NEAR(found[1], 0.25, 5.0 * std::sqrt(0.25 * 0.75 / n));
  EXPECT_NEAR(found[2], 0.75, 5.0 * std::sqrt(0.25 * 0.75 / n));
}

TEST(Sampler, AFilterWinsOverBiasGreedAndMirostat) {
  SomeTokens filter({2});
  SomeTokens nothing({});
  SamplingOptions options = plain(0.0f);
  options.logit_bias = {{0, 100.0f}};
  const std::vector<float> logits = {1.0f, 2.0f, -50.0f};
  EXPECT_EQ(Sampler(options, 3).sample(logits, {}, &filter), 2);
  EXPECT_EQ(Sampler(options, 3).sample(logits, {}, &nothing), kNoToken);
  options.temperature = 1.0f;
  options.mirostat = true;
  EXPECT_EQ(Sampler(options, 3).sample(logits, {}, &filter), 2);
  EXPECT_EQ(Sampler(options, 3).sample(logits, {}, &nothing), kNoToken);
}

/// The documented rules, written as plainly as possible with a full sort.
TokenId reference_sample(const SamplingOptions& options, const std::vector<float>& logits,
                         uint64_t step) {
  std::vector<TokenId> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const bool cut = options.top_k > 0 || options.top_p < 1.0f || options.min_p > 0.0f;
  const auto logit = [&](TokenId id) {
    return static_cast<double>(logits[static_cast<size_t>(id)]);
  };
  double total = 0.0;
  const double max = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  if (options.top_k == 0) {
    for (const TokenId id : ids) total += portable_exp(logit(id) - max);
  }
  if (cut) {
    std::stable_sort(ids.begin(), ids.end(),
                     [&](TokenId a, TokenId b) { return logit(a) > logit(b); });
  }
  if (options.top_k > 0) {
    ids.resize(std::min(ids.size(), static_cast<size_t>(options.top_k)));
    for (const TokenId id : ids) total += portable_exp(logit(id) - max);
  }
  if (options.top_p < 1.0f) {
    double sum = 0.0;
    size_t n = 0;
    while (n < ids.size() && sum < static_cast<double>(options.top_p) * total) {
      sum += portable_exp(logit(ids[n++]) - max);
    }
    ids.resize(std::max<size_t>(n, 1));
  }
  if (options.min_p > 0.0f) {
    std::erase_if(ids, [&](TokenId id) {
      return portable_exp(logit(id) - max) < static_cast<double>(options.min_p);
    });
  }
  const double temperature = static_cast<double>(options.temperature);
  double sum = 0.0;
  for (const TokenId id : ids) sum += portable_exp((logit(id) - max) / temperature);
  const double target = uniform_at(options.seed, step) * sum;
  double running = 0.0;
  for (const TokenId id : ids) {
    running += portable_exp((logit(id) - max) / temperature);
    if (target < running) return id;
  }
  return ids.back();
}

TEST(Sampler, EqualsThePlainFullSortForAllCombinations) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  for (const int n : {1, 5, 63, 64, 65, 1000}) {
    for (const int top_k : {0, 1, 40, 2000}) {
      for (const float top_p : {0.3f, 0.95f, 0.9999f, 1.0f}) {
        for (const float min_p : {0.0f, 0.05f, 0.9f}) {
          SamplingOptions options = plain(0.8f);
          options.top_k = top_k;
          options.top_p = top_p;
          options.min_p = min_p;
          options.seed = random();
          Sampler sampler(options, n);
          std::vector<float> logits(static_cast<size_t>(n));
          // Rounded to quarters, so that ties are common.
          for (float& logit : logits) logit = std::round(normal(random) * 4.0f) / 4.0f;
          for (uint64_t step = 0; step < 20; ++step) {
            ASSERT_EQ(sampler.sample(logits, {}), reference_sample(options, logits, step))
                << "n " << n << " top_k " << top_k << " top_p " << top_p << " min_p " << min_p
                << " step " << step;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace tern
