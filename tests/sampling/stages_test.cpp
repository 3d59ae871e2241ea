// The stages against distributions whose outcome can be said in closed form.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "distributions.h"
#include "tern/sampling.h"

namespace tern {
namespace {

using Ids = std::set<TokenId>;
using enum SamplerStage;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr int kDraws = 40000;

// Five standard deviations of a frequency.
double tolerance(double p) { return 5.0 * std::sqrt(p * (1.0 - p) / kDraws); }

void expect_frequencies(const SamplingOptions& options, const std::vector<float>& logits,
                        const std::vector<double>& expected) {
  const auto found = frequencies(options, logits, kDraws);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], tolerance(expected[i])) << "token " << i;
  }
}

// Entropy 1.75 bits; information 1, 2, 3 and 3 bits: the nearest is token 1, then 0, 2, 3.
const std::vector<double> kHalves = {0.5, 0.25, 0.125, 0.125};

TEST(TypicalStage, KeepsWhatIsNearestToTheEntropy) {
  SamplingOptions options = plain(1.0f);
  options.typical_p = 0.2f;
  EXPECT_EQ(drawn(options, logits_of(kHalves), 200), (Ids{1}));
  options.typical_p = 0.7f;
  EXPECT_EQ(drawn(options, logits_of(kHalves), 200), (Ids{0, 1}));
  options.typical_p = 0.8f;  // of two equally far the one with the lower id
  EXPECT_EQ(drawn(options, logits_of(kHalves), 400), (Ids{0, 1, 2}));
  expect_frequencies(options, logits_of(kHalves), {0.5 / 0.875, 0.25 / 0.875, 0.125 / 0.875, 0.0});
}

TEST(TypicalStage, EquallyLikelyTokensAreTakenById) {
  SamplingOptions options = plain(1.0f);
  options.typical_p = 0.5f;
  EXPECT_EQ(drawn(options, std::vector<float>(8, 2.0f), 400), (Ids{0, 1, 2, 3}));
}

TEST(TypicalStage, OneTokenAlwaysStays) {
  SamplingOptions options = plain(1.0f);
  options.typical_p = 1e-6f;
  EXPECT_EQ(drawn(options, {1.0f, -kInf, 5.0f, -200.0f}, 50), (Ids{2}));
}

TEST(XtcStage, OfTheLikelyOnlyTheLeastStays) {
  SamplingOptions options = plain(1.0f);
  options.xtc_probability = 1.0f;
  options.xtc_threshold = 0.15f;
  expect_frequencies(options, logits_of({0.4, 0.3, 0.2, 0.1}), {0.0, 0.0, 2.0 / 3.0, 1.0 / 3.0});
}

TEST(XtcStage, OneLikelyTokenIsNotTouched) {
  SamplingOptions options = plain(1.0f);
  options.xtc_probability = 1.0f;
  options.xtc_threshold = 0.35f;
  expect_frequencies(options, logits_of({0.4, 0.3, 0.2, 0.1}), {0.4, 0.3, 0.2, 0.1});
}

TEST(XtcStage, HappensWithItsProbabilityAndApartFromTheDraw) {
  SamplingOptions options = plain(1.0f);
  options.xtc_probability = 0.25f;
  options.xtc_threshold = 0.15f;
  expect_frequencies(
      options, logits_of({0.4, 0.3, 0.2, 0.1}),
      {0.75 * 0.4, 0.75 * 0.3, 0.75 * 0.2 + 0.25 * 2.0 / 3.0, 0.75 * 0.1 + 0.25 * 1.0 / 3.0});
}

TEST(TemperatureStage, FollowsTheEntropyWithinItsRange) {
  SamplingOptions options = plain(1.0f);
  options.dynatemp_range = 0.5f;
  // Entropy of 0.8, 0.2 as a share of one bit, then p^(1/T) normalised.
  const double share = -(0.8 * std::log2(0.8) + 0.2 * std::log2(0.2));
  const auto first = [](double temperature) {
    const double a = std::pow(0.8, 1.0 / temperature);
    return a / (a + std::pow(0.2, 1.0 / temperature));
  };
  expect_frequencies(options, logits_of({0.8, 0.2}),
                     {first(0.5 + share), 1.0 - first(0.5 + share)});
  options.dynatemp_exponent = 2.0f;
  expect_frequencies(options, logits_of({0.8, 0.2}),
                     {first(0.5 + share * share), 1.0 - first(0.5 + share * share)});
  options.dynatemp_range = 3.0f;  // the low end is at greedy, not below
  options.dynatemp_exponent = 100.0f;
  EXPECT_EQ(drawn(options, logits_of({0.8, 0.2}), 100), (Ids{0}));
}

TEST(TemperatureStage, StagesBehindItSeeWhatItMakesOfTheProbabilities) {
  SamplingOptions options = plain(0.5f);
  options.top_p = 0.75f;  // 0.6 alone is too little; squared and normalised it has 0.78
  EXPECT_EQ(drawn(options, logits_of({0.6, 0.3, 0.1}), 200), (Ids{0, 1}));
  options.order = {kTemperature, kTopP};
  EXPECT_EQ(drawn(options, logits_of({0.6, 0.3, 0.1}), 200), (Ids{0}));
}

TEST(SamplerOrder, WhatIsLeftOutIsOff) {
  SamplingOptions options = plain(1.0f);
  options.top_k = 1;
  options.order = {kTemperature};
  EXPECT_EQ(drawn(options, std::vector<float>(3, 0.0f), 200), (Ids{0, 1, 2}));
  options.order = {};  // not even the temperature: as if it were 1
  options.temperature = 100.0f;
  expect_frequencies(options, logits_of({0.9, 0.1}), {0.9, 0.1});
}

TEST(SamplerOrder, PenaltiesBehindTopKSeeOnlyWhatItKept) {
  SamplingOptions options = plain(1.0f);
  options.top_k = 2;
  options.presence_penalty = 100.0f;
  const std::vector<float> logits = {3.0f, 2.0f, 1.0f, 0.0f};
  const std::vector<TokenId> history = {0, 1};
  EXPECT_EQ(Sampler(options, 4).sample(logits, history), 2);  // 2 and 3 are left
  options.order = {kTopK, kPenalties};
  const TokenId id = Sampler(options, 4).sample(logits, history);
  EXPECT_TRUE(id == 0 || id == 1) << id;
  options.frequency_penalty = 10.0f;
  options.temperature = 1e-3f;
  EXPECT_EQ(Sampler(options, 4).sample(logits, std::vector<TokenId>{0, 0, 1}), 1);
}

TEST(SamplerOrder, NoStageFindsATokenWhereAllAreForbidden) {
  SamplingOptions options;
  options.top_k = 0;
  options.typical_p = 0.5f;
  options.xtc_probability = 1.0f;
  options.dynatemp_range = 0.1f;
  options.repeat_penalty = 2.0f;
  options.dry_multiplier = 1.0f;
  const std::vector<float> logits(4, -kInf);
  const std::vector<TokenId> history = {0, 1, 0, 1};
  EXPECT_EQ(Sampler(options, 4).sample(logits, history), kNoToken);
  options.mirostat = true;
  EXPECT_EQ(Sampler(options, 4).sample(logits, history), kNoToken);
}

TEST(DryStage, APenaltyGrowsWithTheLengthOfTheRepetition) {
  SamplingOptions options = plain(0.0f);
  options.dry_multiplier = 1.0f;
  options.dry_base = 2.0f;
  // Ends with 0 1 2, behind which came 3 before: 1 * 2^(3 - 2) off the logit of 3.
  const std::vector<TokenId> history = {0, 1, 2, 3, 0, 1, 2};
  const auto best = [&](float logit) {
    return Sampler(options, 5).sample(std::vector<float>{0, 0, 0, logit, 1.0f}, history);
  };
  EXPECT_EQ(best(2.9f), 4);
  EXPECT_EQ(best(3.1f), 3);
  options.dry_allowed_length = 4;
  EXPECT_EQ(best(1.1f), 3);
  options.dry_allowed_length = 3;  // 1 * 2^0
  EXPECT_EQ(best(1.9f), 4);
  EXPECT_EQ(best(2.1f), 3);
  options.dry_last_n = 4;  // what repeats lies further back
  EXPECT_EQ(best(1.1f), 3);
}

TEST(DryStage, BreakersCutRepetitions) {
  SamplingOptions options = plain(0.0f);
  options.dry_multiplier = 10.0f;
  const std::vector<TokenId> history = {0, 1, 2, 3, 0, 1, 2};
  const std::vector<float> logits = {0, 0, 0, 1.1f, 1.0f};
  EXPECT_EQ(Sampler(options, 5).sample(logits, history), 4);
  EXPECT_EQ(Sampler(options, 5, {4, 1}).sample(logits, history), 3);
}

TEST(DryStage, EndlessRepetitionStaysFinite) {
  SamplingOptions options = plain(0.0f);
  options.dry_multiplier = 1e30f;
  options.dry_base = 1e30f;
  const std::vector<TokenId> history(5000, 0);
  EXPECT_EQ(Sampler(options, 2).sample(std::vector<float>{1e30f, -1e30f}, history), 1);
  options.logit_bias = {{1, -kInf}};
  EXPECT_EQ(Sampler(options, 2).sample(std::vector<float>{1e30f, 0.0f}, history), 0);
}

TEST(Mirostat, TheBoundRisesByWhatSurpriseIsMissing) {
  // Surprise 1, 2, 3 and 3 bits. The bound begins at 1.5 bits, where token 0 is alone and surprises
  // nobody, so it rises by 0.1 * 0.75 a step: above 2 bits from the 8th on.
  SamplingOptions options = plain(1.0f);
  options.mirostat = true;
  options.mirostat_tau = 0.75f;
  Ids eighth;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    options.seed = seed;
    Sampler sampler(options, 4);
    for (int step = 0; step < 7; ++step) ASSERT_EQ(sampler.sample(logits_of(kHalves), {}), 0);
    eighth.insert(sampler.sample(logits_of(kHalves), {}));
    sampler.reset();
    ASSERT_EQ(sampler.sample(logits_of(kHalves), {}), 0);
  }
  EXPECT_EQ(eighth, (Ids{0, 1}));
}

TEST(Mirostat, TheMeanSurpriseComesToItsLevel) {
  // 1/i: surprises from 2.9 to 13 bits.
  std::vector<double> p(1000);
  for (size_t i = 0; i < p.size(); ++i) p[i] = 1.0 / static_cast<double>(i + 1);
  const std::vector<float> logits = logits_of(p);
  const auto mean_log_rank = [&](float tau) {
    SamplingOptions options = plain(1.0f);
    options.mirostat = true;
    options.mirostat_tau = tau;
    Sampler sampler(options, 1000);
    double mean = 0.0;
    for (int i = 0; i < 4000; ++i) mean += std::log2(1.0 + sampler.sample(logits, {})) / 4000;
    return mean;
  };
  // Of the first n tokens the surprise is log2(i) + log2(sum 1/j), its mean the entropy. At a level
  // of 3 bits n is about 14, at 6 bits about 250.
  const auto entropy_and_log_rank = [&](size_t n) {
    double sum = 0.0;
    double log_rank = 0.0;
    for (size_t i = 0; i < n; ++i) sum += p[i];
    for (size_t i = 0; i < n; ++i) log_rank += p[i] / sum * std::log2(1.0 / p[i]);
    return std::pair(log_rank + std::log2(sum), log_rank);
  };
  for (const float tau : {3.0f, 6.0f}) {
    size_t n = 1;
    while (entropy_and_log_rank(n).first < static_cast<double>(tau)) ++n;
    EXPECT_NEAR(mean_log_rank(tau), entropy_and_log_rank(n).second, 0.25) << tau;
  }
}

TEST(Mirostat, StagesThatTakeTokensAwayHaveNoPart) {
  SamplingOptions options = plain(1.0f);
  options.mirostat = true;
  options.top_k = 1;
  options.mirostat_tau = 5.0f;
  EXPECT_EQ(drawn(options, std::vector<float>(3, 0.0f), 200), (Ids{0, 1, 2}));
}

TEST(SamplerDescription, NamesWhatHasAPartInOrder) {
  SamplingOptions options;
  EXPECT_EQ(describe(options), "top_k 40, top_p 0.95, min_p 0.05, temperature 0.8");
  options.temperature = 0.0f;
  options.repeat_penalty = 1.5f;
  EXPECT_EQ(describe(options), "penalties (repeat 1.5, presence 0, frequency 0, last 64), greedy");
  options = plain(1.0f);
  options.order = {kTemperature, kXtc, kDry};
  options.xtc_probability = 0.5f;
  options.dry_multiplier = 0.8f;
  EXPECT_EQ(describe(options),
            "temperature 1, xtc (probability 0.5, threshold 0.1), "
            "dry (multiplier 0.8, base 1.75, allowed length 2, all)");
  options.mirostat = true;
  EXPECT_EQ(describe(options),
            "temperature 1, dry (multiplier 0.8, base 1.75, allowed length 2, all), "
            "mirostat 2 (tau 5, eta 0.1)");
  options.order = {};
  options.mirostat = false;
  EXPECT_EQ(describe(options), "none");
}

TEST(SamplerDescription, EveryStageIsFoundByItsName) {
  EXPECT_EQ(all_stages().size(), SamplingOptions().order.size());
  for (const SamplerStage stage : all_stages()) EXPECT_EQ(find_stage(stage_name(stage)), stage);
  EXPECT_EQ(find_stage("top-k"), std::nullopt);
}

}  // namespace
}  // namespace tern
