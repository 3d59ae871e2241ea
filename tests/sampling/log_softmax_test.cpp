#include "sampling/log_softmax.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tern/sampling.h"

namespace tern {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(LogSoftmax, EqualLogitsGiveTheUniformDistribution) {
  const std::vector<float> logits(8, 3.5f);
  for (TokenId id = 0; id < 8; ++id) {
    EXPECT_FLOAT_EQ(log_probability(logits, 8, id), static_cast<float>(-std::log(8.0)));
  }
}

TEST(LogSoftmax, TwoTokensFollowTheLogisticFunction) {
  const std::vector<float> logits = {2.0f, 0.0f};
  EXPECT_FLOAT_EQ(log_probability(logits, 2, 0), static_cast<float>(-std::log1p(std::exp(-2.0))));
  EXPECT_FLOAT_EQ(log_probability(logits, 2, 1),
                  static_cast<float>(-2.0 - std::log1p(std::exp(-2.0))));
}

TEST(LogSoftmax, AgreesWithLongDoubleOnRandomLogits) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0.0f, 8.0f);
  std::vector<float> logits(5000);
  for (float& logit : logits) logit = normal(random);
  long double sum = 0.0L;
  for (const float logit : logits) sum += std::exp(static_cast<long double>(logit));
  EXPECT_NEAR(log_sum_exp(logits), static_cast<double>(std::log(sum)), 1e-12);
}

TEST(LogSoftmax, HugeLogitsDoNotOverflow) {
  const std::vector<float> logits = {1e30f, 1e30f, -1e30f};
  EXPECT_FLOAT_EQ(log_probability(logits, 3, 0),
                  static_cast<float>(0.0));  // log 2 is below the spacing of doubles at 1e30
  EXPECT_EQ(log_probability(logits, 3, 2), -2e30f);
}

TEST(LogSoftmax, PaddingRowsDoNotCount) {
  const std::vector<float> logits = {1.0f, 1.0f, 50.0f, 50.0f};
  EXPECT_FLOAT_EQ(log_probability(logits, 2, 1), static_cast<float>(-std::log(2.0)));
  const auto top = top_probabilities(logits, 2, 4);
  ASSERT_EQ(top.size(), 2u);
  EXPECT_EQ(top[0].id, 0);
  EXPECT_EQ(top[1].id, 1);
}

TEST(LogSoftmax, ImpossibleTokensAreAtMinusInfinity) {
  const std::vector<float> logits = {-kInf, 0.0f, -kInf};
  EXPECT_EQ(log_probability(logits, 3, 0), -kInf);
  EXPECT_EQ(log_probability(logits, 3, 1), 0.0f);
  EXPECT_EQ(log_sum_exp(std::vector<float>{-kInf, -kInf}),
            -std::numeric_limits<double>::infinity());
}

TEST(TopProbabilities, AreSortedWithLowerIdsFirstAmongEquals) {
  const std::vector<float> logits = {0.0f, 2.0f, 1.0f, 2.0f, -kInf};
  const auto top = top_probabilities(logits, 5, 3);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].id, 1);
  EXPECT_EQ(top[1].id, 3);
  EXPECT_EQ(top[2].id, 2);
  EXPECT_EQ(top[0].logprob, top[1].logprob);
  for (const auto& [id, logprob] : top) EXPECT_EQ(logprob, log_probability(logits, 5, id));
  EXPECT_EQ(top_probabilities(logits, 5, 100).size(), 4u);  // -inf is not listed
  EXPECT_TRUE(top_probabilities(logits, 5, 0).empty());
}

}  // namespace
}  // namespace tern
