#include "grammar/expression.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "matching.h"
#include "tokenizer/utf8.h"

namespace tern::grammar {
namespace {

Automaton automaton_of_ranges(const std::vector<CodePointRange>& ranges) {
  return automaton_of(Rules{{"root", character(ranges)}});
}

bool is_in(const std::vector<CodePointRange>& ranges, uint32_t c) {
  for (const CodePointRange& range : ranges) {
    if (range.first <= c && c <= range.last) return true;
  }
  return false;
}

TEST(Character, MatchesExactlyTheUtf8OfItsCodePoints) {
  std::mt19937 random(3);
  std::vector<std::vector<CodePointRange>> cases = {
      {{0, kMaxCodePoint}}, {{0x7f, 0x80}},     {{0x7ff, 0x800}},
      {{0xffff, 0x10000}},  {{0xd7ff, 0xe000}}, {{'a', 'z'}, {0x3b1, 0x3c9}, {0x1f600, 0x1f64f}},
  };
  for (int i = 0; i < 6; ++i) {
    const auto a = static_cast<uint32_t>(random() % 0x110000);
    const auto b = static_cast<uint32_t>(random() % 0x3000);
    cases.push_back({{std::min(a, b), std::max(a, b)}});
  }
  for (const auto& ranges : cases) {
    Automaton automaton = automaton_of_ranges(ranges);
    size_t n_wrong = 0;
    for (uint32_t c = 0; c <= kMaxCodePoint; ++c) {
      if (c >= 0xd800 && c <= 0xdfff) continue;
      std::string text;
      append_utf8(c, text);
      n_wrong += accepts(automaton, text) != is_in(ranges, c);
    }
    EXPECT_EQ(n_wrong, 0u) << std::hex << ranges[0].first << " " << ranges[0].last;
  }
}

TEST(Character, SurrogatesAndOverlongFormsNeverMatch) {
  Automaton automaton = automaton_of_ranges({{0, kMaxCodePoint}});
  for (const char* bytes : {"\xed\xa0\x80", "\xed\xbf\xbf", "\xc0\x80", "\xe0\x80\x80",
                            "\xf4\x90\x80\x80", "\x80", "\xff"}) {
    EXPECT_FALSE(accepts(automaton, bytes));
  }
}

TEST(Complement, HoldsWhatTheRangesDoNot) {
  const std::vector<CodePointRange> ranges = {{10, 20}, {15, 30}, {0, 3}, {31, 31}};
  const std::vector<CodePointRange> expected = {{4, 9}, {32, kMaxCodePoint}};
  EXPECT_EQ(complement(ranges), expected);
  EXPECT_EQ(complement({}), (std::vector<CodePointRange>{{0, kMaxCodePoint}}));
  EXPECT_TRUE(complement({{0, kMaxCodePoint}}).empty());
}

}  // namespace
}  // namespace tern::grammar
