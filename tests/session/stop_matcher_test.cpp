#include "session/stop_matcher.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace tern {
namespace {

TEST(StopMatcher, WithoutStopStringsTextPassesThrough) {
  StopMatcher matcher({});
  EXPECT_EQ(matcher.push("abc"), "abc");
  EXPECT_FALSE(matcher.holds_text());
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcher, HoldsBackWhatMayBecomeAStopString) {
  StopMatcher matcher({"END"});
  EXPECT_EQ(matcher.push("the E"), "the ");
  EXPECT_TRUE(matcher.holds_text());
  EXPECT_EQ(matcher.push("N"), "");
  EXPECT_EQ(matcher.push("T"), "ENT");
  EXPECT_FALSE(matcher.holds_text());
  EXPECT_EQ(matcher.push("x EN"), "x ");
  EXPECT_EQ(matcher.finish(), "EN");
}

TEST(StopMatcher, MatchesAcrossPieces) {
  StopMatcher matcher({"\n\nUser:"});
  EXPECT_EQ(matcher.push("yes\n"), "yes");
  EXPECT_EQ(matcher.push("\nUs"), "");
  EXPECT_EQ(matcher.push("er: more"), "");
  ASSERT_TRUE(matcher.matched());
  EXPECT_EQ(matcher.matched_string(), "\n\nUser:");
  EXPECT_EQ(matcher.push("ignored"), "");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcher, SelfOverlappingStopStringIsFound) {
  StopMatcher matcher({"aab"});
  EXPECT_EQ(matcher.push("aa"), "");
  EXPECT_EQ(matcher.push("a"), "a");
  EXPECT_EQ(matcher.push("b"), "");
  EXPECT_TRUE(matcher.matched());
}

TEST(StopMatcher, TheStopStringThatIsCompleteFirstWins) {
  StopMatcher matcher({"abcd", "bc"});
  EXPECT_EQ(matcher.push("xabcd"), "xa");
  EXPECT_EQ(matcher.matched_string(), "bc");
  StopMatcher nested({"c", "bc"});
  EXPECT_EQ(nested.push("abc"), "a");
  EXPECT_EQ(nested.matched_string(), "bc");
}

TEST(StopMatcher, ResultDoesNotDependOnTheCuts) {
  const std::vector<std::string> stops = {"abba", "bab", "aabb", "bbbb"};
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 16; ++i) text += random() % 2 == 0 ? 'a' : 'b';
    StopMatcher whole(stops);
    std::string expected = whole.push(text);
    expected += whole.finish();
    StopMatcher pieces(stops);
    std::string actual;
    for (size_t pos = 0; pos < text.size();) {
      const size_t n = 1 + random() % 4;
      actual += pieces.push(text.substr(pos, n));
      pos += n;
    }
    actual += pieces.finish();
    EXPECT_EQ(actual, expected) << text;
    ASSERT_EQ(pieces.matched(), whole.matched()) << text;
    if (whole.matched()) {
      EXPECT_EQ(pieces.matched_string(), whole.matched_string()) << text;
    }
  }
}

}  // namespace
}  // namespace tern
