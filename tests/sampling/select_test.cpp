#include "sampling/select.h"

#include <gtest/gtest.h>

#include <random>

namespace tern {
namespace {

std::vector<float> random_logits(size_t n, unsigned seed) {
  std::mt19937 random(seed);
  // Few distinct values: ties everywhere. Some are impossible.
  std::uniform_int_distribution<int> value(-20, 20);
  std::vector<float> logits(n);
  for (float& logit : logits) {
    const int v = value(random);
    logit = v == -20 ? -std::numeric_limits<float>::infinity() : static_cast<float>(v) * 0.5f;
  }
  return logits;
}

std::vector<Candidate> sorted_candidates(const std::vector<float>& logits) {
  std::vector<Candidate> all;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!std::isinf(logits[i])) all.emplace_back(logits[i], static_cast<TokenId>(i));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.first > b.first; });
  return all;
}

TEST(SelectTop, EqualsAFullSortForEveryK) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const size_t n = 1 + 37 * seed;
    const auto logits = random_logits(n, seed);
    const auto all = sorted_candidates(logits);
    std::vector<Candidate> best;
    for (const size_t k : {size_t{0}, size_t{1}, size_t{2}, size_t{7}, n / 2, n - 1, n, n + 5}) {
      select_top(logits, k, best);
      std::vector<Candidate> expected = all;
      expected.resize(std::min(k, all.size()));
      EXPECT_EQ(best, expected) << "seed " << seed << " k " << k;
    }
  }
}

TEST(SelectTop, AscendingLogitsReplaceTheBufferOverAndOver) {
  std::vector<float> logits(10000);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i);
  std::vector<Candidate> best;
  select_top(logits, 3, best);
  const std::vector<Candidate> expected = {{9999.0f, 9999}, {9998.0f, 9998}, {9997.0f, 9997}};
  EXPECT_EQ(best, expected);
}

TEST(SortMore, GrowsASortedPrefixUntilAllIsSorted) {
  const auto logits = random_logits(3000, 5);
  const auto expected = sorted_candidates(logits);
  std::vector<Candidate> candidates = expected;
  std::shuffle(candidates.begin(), candidates.end(), std::mt19937(1));
  size_t n_sorted = 0;
  while (n_sorted < candidates.size()) {
    const size_t more = sort_more(candidates, n_sorted);
    ASSERT_GT(more, n_sorted);
    n_sorted = more;
    for (size_t i = 0; i < n_sorted; ++i) ASSERT_EQ(candidates[i], expected[i]) << i;
  }
}

}  // namespace
}  // namespace tern
