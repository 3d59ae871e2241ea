#include "sampling/repetition.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace tern {
namespace {

using Ids = std::vector<TokenId>;

std::vector<int32_t> repetitions(const Ids& history, const Ids& breakers, size_t n_vocab) {
  TokenMarks marks(n_vocab);
  std::vector<int32_t> matches;
  mark_repetitions(history, breakers, matches, marks);
  std::vector<int32_t> result;
  for (size_t id = 0; id < n_vocab; ++id) result.push_back(marks.at(static_cast<TokenId>(id)));
  return result;
}

TEST(Repetition, ATokenThatFollowedTheSameEndHasItsLength) {
  // The text ends with 1 2; behind an earlier 1 2 came 3.
  EXPECT_EQ(repetitions({1, 2, 3, 1, 2}, {}, 4), (std::vector<int32_t>{0, 0, 0, 2}));
  // Behind 2 alone came 0, behind 1 2 came 3.
  EXPECT_EQ(repetitions({2, 0, 1, 2, 3, 1, 2}, {}, 4), (std::vector<int32_t>{1, 0, 0, 2}));
}

TEST(Repetition, OneTokenOverAndOverCountsWithAllItsRepetitions) {
  EXPECT_EQ(repetitions({1, 1, 1, 1}, {}, 2), (std::vector<int32_t>{0, 3}));
}

TEST(Repetition, CountingEndsAtABreaker) {
  EXPECT_EQ(repetitions({0, 1, 2, 3, 0, 1, 2}, {1}, 4), (std::vector<int32_t>{0, 0, 0, 1}));
  EXPECT_EQ(repetitions({0, 1, 2, 3, 0, 1, 2}, {2}, 4), (std::vector<int32_t>{0, 0, 0, 0}));
}

TEST(Repetition, NothingRepeatsInNothing) {
  EXPECT_EQ(repetitions({}, {}, 2), (std::vector<int32_t>{0, 0}));
  EXPECT_EQ(repetitions({1}, {}, 2), (std::vector<int32_t>{0, 0}));
}

TEST(Repetition, IdsOutsideTheVocabularyAreOnlyCompared) {
  EXPECT_EQ(repetitions({7, 1, 7}, {}, 2), (std::vector<int32_t>{0, 1}));
}

TEST(Repetition, EqualsComparingEveryPlaceWithTheEnd) {
  std::mt19937 random(5);
  for (int round = 0; round < 400; ++round) {
    const size_t n_vocab = 1 + random() % 4;
    Ids history(random() % 40);
    for (TokenId& id : history) id = static_cast<TokenId>(random() % n_vocab);
    Ids breakers;
    if (round % 3 == 0) breakers.push_back(static_cast<TokenId>(random() % n_vocab));
    std::vector<int32_t> expected(n_vocab);
    for (size_t place = 0; place < history.size(); ++place) {
      int32_t length = 0;
      for (size_t back = 1; back <= place; ++back) {
        const TokenId last = history[history.size() - back];
        if (history[place - back] != last) break;
        if (std::find(breakers.begin(), breakers.end(), last) != breakers.end()) break;
        ++length;
      }
      int32_t& known = expected[static_cast<size_t>(history[place])];
      known = std::max(known, length);
    }
    ASSERT_EQ(repetitions(history, breakers, n_vocab), expected) << "round " << round;
  }
}

TEST(Repetition, MarksAreGoneAfterClear) {
  TokenMarks marks(3);
  mark_counts(Ids{1, 2, 1, 9, -1}, marks);
  EXPECT_EQ(marks.at(1), 2);
  EXPECT_EQ(marks.at(2), 1);
  EXPECT_EQ(marks.marked().size(), 2u);
  marks.clear();
  EXPECT_EQ(marks.at(1), 0);
  EXPECT_TRUE(marks.marked().empty());
}

}  // namespace
}  // namespace tern
