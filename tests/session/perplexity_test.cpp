#include <gtest/gtest.h>

#include <cmath>

#include "fake_session.h"
#include "tern/session.h"

namespace tern {
namespace {

constexpr int kVocabulary = 6;

FakeTokenizer make_tokenizer(bool add_bos) {
  FakeTokenizer tokenizer(std::vector<std::string>(kVocabulary, "x"));
  tokenizer.special_.bos = 0;
  tokenizer.special_.add_bos = add_bos;
  return tokenizer;
}

/// Logits by which token t has probability proportional to exp(t * scale of the last token).
std::vector<float> logits_after(std::span<const TokenId> tokens, size_t n_rows) {
  std::vector<float> logits(n_rows, 50.0f);  // padding rows must not count
  for (int t = 0; t < kVocabulary; ++t) {
    logits[static_cast<size_t>(t)] =
        0.3f * static_cast<float>(t) * static_cast<float>(tokens.back() - 2);
  }
  return logits;
}

double nll_of(TokenId last, TokenId next) {
  double sum = 0.0;
  for (int t = 0; t < kVocabulary; ++t) sum += std::exp(0.3 * t * (last - 2));
  return std::log(sum) - 0.3 * next * (last - 2);
}

FakeSession make_session(bool add_bos, int n_ctx = 8) {
  return FakeSession(
      make_tokenizer(add_bos), kVocabulary + 2, n_ctx,
      [](std::span<const TokenId> tokens) { return logits_after(tokens, kVocabulary + 2); });
}

const std::vector<TokenId> kTokens = {1, 2, 3, 4, 5, 3, 2, 1, 5, 4, 4, 2, 1, 1, 3, 5, 2, 2, 2};

struct Expected {
  double mean = 0.0, perplexity = 0.0, standard_error = 0.0;
  size_t n = 0;
};

/// The protocol by hand: positions ctx/2 ... ctx-2 of each whole window.
Expected by_hand(size_t ctx, size_t n_windows) {
  std::vector<double> nll;
  for (size_t w = 0; w < n_windows; ++w) {
    for (size_t j = ctx / 2; j + 1 < ctx; ++j) {
      nll.push_back(nll_of(kTokens[w * ctx + j], kTokens[w * ctx + j + 1]));
    }
  }
  Expected expected;
  expected.n = nll.size();
  const double n = static_cast<double>(nll.size());
  for (const double x : nll) expected.mean += x / n;
  double variance = 0.0;
  for (const double x : nll) variance += (x - expected.mean) * (x - expected.mean) / n;
  expected.perplexity = std::exp(expected.mean);
  expected.standard_error = std::sqrt(variance / (n - 1.0)) * expected.perplexity;
  return expected;
}

TEST(Perplexity, FollowsTheProtocolOfHalfWindows) {
  for (const int ctx : {4, 6, 8}) {
    FakeSession session = make_session(true);
    std::vector<PerplexityProgress> seen;
    auto result =
        perplexity(session, kTokens, ctx, [&](const PerplexityProgress& p) { seen.push_back(p); });
    ASSERT_TRUE(result) << result.error().message;
    const size_t n_windows = kTokens.size() / static_cast<size_t>(ctx);
    const Expected expected = by_hand(static_cast<size_t>(ctx), n_windows);
    EXPECT_EQ(result->n_windows, n_windows);
    EXPECT_EQ(result->n_tokens, expected.n);
    // Logits are float: 0.3f is not 0.3.
    EXPECT_NEAR(result->mean_nll, expected.mean, 1e-6);
    EXPECT_NEAR(result->perplexity, expected.perplexity, 1e-5);
    EXPECT_NEAR(result->standard_error, expected.standard_error, 1e-5);
    ASSERT_EQ(seen.size(), n_windows);
    EXPECT_EQ(seen.back().window, n_windows);
    EXPECT_EQ(seen.back().n_windows, n_windows);
    EXPECT_EQ(seen.back().perplexity, result->perplexity);
    EXPECT_FALSE(result->interrupted);
  }
}

TEST(Perplexity, UniformModelHasThePerplexityOfItsVocabularyAndNoError) {
  FakeSession session(make_tokenizer(false), kVocabulary, 8, [](std::span<const TokenId>) {
    return std::vector<float>(kVocabulary, 1.25f);
  });
  auto result = perplexity(session, kTokens, 8);
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->perplexity, 6.0, 1e-12);
  EXPECT_NEAR(result->standard_error, 0.0, 1e-6);
}

TEST(Perplexity, WindowsBeginWithBosOnlyWhereTheModelAddsIt) {
  for (const bool add_bos : {true, false}) {
    FakeSession session(make_tokenizer(add_bos), kVocabulary, 8,
                        [&](std::span<const TokenId> tokens) {
                          EXPECT_EQ(tokens.front() == 0, add_bos);
                          EXPECT_LT(tokens.size(), 8u);  // the last token is never computed
                          return std::vector<float>(kVocabulary, 0.0f);
                        });
    auto result = perplexity(session, kTokens, 8);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->n_tokens, 6u);
  }
}

TEST(Perplexity, InterruptLeavesTheFigureOfTheWindowsDone) {
  std::atomic<bool> interrupt = false;
  FakeSession session = make_session(true);
  session.before_eval_ = [&](int n) { interrupt = n == 2; };
  auto result = perplexity(session, kTokens, 8, {}, &interrupt);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->interrupted);
  EXPECT_EQ(result->n_windows, 1u);
  EXPECT_NEAR(result->mean_nll, by_hand(8, 1).mean, 1e-6);
}

TEST(Perplexity, BadCallsAreUsageErrors) {
  const auto code_of = [](const std::vector<TokenId>& tokens, int ctx) {
    FakeSession session = make_session(true);
    auto result = perplexity(session, tokens, ctx);
    EXPECT_FALSE(result);
    return result ? ErrorCode::kInternal : result.error().code;
  };
  EXPECT_EQ(code_of(kTokens, 7), ErrorCode::kUsage);
  EXPECT_EQ(code_of(kTokens, 2), ErrorCode::kUsage);
  EXPECT_EQ(code_of(kTokens, 0), ErrorCode::kUsage);
  EXPECT_EQ(code_of(kTokens, 10), ErrorCode::kUsage);  // beyond the session
  EXPECT_EQ(code_of({1, 2, 3, 4, 5, 1, 2}, 8), ErrorCode::kUsage);
  EXPECT_EQ(code_of({1, 2, 3, 99}, 4), ErrorCode::kUsage);  // no such token
}

TEST(Perplexity, ErrorsOfTheModelArePassedUp) {
  FakeSession session = make_session(true);
  session.fail_at_eval_ = 1;
  auto result = perplexity(session, kTokens, 8);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace tern
