#include "tokenizer/token_matcher.h"

#include <gtest/gtest.h>

#include "tokenizer/tokenizer_test_util.h"

namespace tern {
namespace {

using Order = TokenMatcher::Order;

std::vector<AddedToken> plain(const std::vector<std::string>& contents) {
  std::vector<AddedToken> tokens;
  for (const std::string& content : contents) {
    tokens.push_back({.id = static_cast<TokenId>(tokens.size()), .content = content});
  }
  return tokens;
}

// "[id]" for each match, the text between as it is.
std::string marked(const TokenMatcher& matcher, std::string_view text) {
  std::string out;
  size_t pos = 0;
  for (const TokenMatch& match : matcher.find_all(text)) {
    out.append(text, pos, match.begin - pos);
    out += "[" + std::to_string(match.id) + "]";
    pos = match.end;
  }
  out.append(text, pos);
  return out;
}

// For each token, longest first, every occurrence in what is still uncut.
std::string cut_naively(const std::vector<AddedToken>& tokens, const std::string& text) {
  std::vector<TokenId> owner(text.size(), -1);
  std::vector<bool> begins(text.size());
  size_t longest = 0;
  for (const AddedToken& token : tokens) longest = std::max(longest, token.content.size());
  for (size_t length = longest; length > 0; --length) {
    for (size_t pos = 0; pos + length <= text.size(); ++pos) {
      for (const AddedToken& token : tokens) {
        if (token.content.size() != length || text.compare(pos, length, token.content) != 0)
          continue;
        if (std::any_of(owner.begin() + static_cast<std::ptrdiff_t>(pos),
                        owner.begin() + static_cast<std::ptrdiff_t>(pos + length),
                        [](TokenId id) { return id >= 0; })) {
          continue;
        }
        std::fill_n(owner.begin() + static_cast<std::ptrdiff_t>(pos), length, token.id);
        begins[pos] = true;
      }
    }
  }
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (owner[i] < 0) {
      out += text[i];
    } else if (begins[i]) {
      out += "[" + std::to_string(owner[i]) + "]";
    }
  }
  return out;
}

TEST(TokenMatcher, LongestFirstLooksAtTheWholeText) {
  const auto tokens = plain({"ab", "bcd", "cd"});
  EXPECT_EQ(marked(TokenMatcher(tokens, Order::kLongestFirst), "abcd"), "a[1]");
  EXPECT_EQ(marked(TokenMatcher(tokens, Order::kLeftmostLongest), "abcd"), "[0][2]");
}

TEST(TokenMatcher, LongestFirstEqualsTheDefinition) {
  const uint32_t seed = test::test_seed();
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> contents;
    for (size_t i = 0; i < 1 + random() % 6; ++i) {
      std::string content;
      for (size_t n = 0; n < 1 + random() % 5; ++n)
        content += static_cast<char>('a' + random() % 2);
      if (std::find(contents.begin(), contents.end(), content) == contents.end())
        contents.push_back(content);
    }
    std::string text;
    for (size_t i = 0; i < 40; ++i) text += static_cast<char>('a' + random() % 3);
    const auto tokens = plain(contents);
    ASSERT_EQ(marked(TokenMatcher(tokens, Order::kLongestFirst), text), cut_naively(tokens, text))
        << "seed " << seed << " round " << round;
  }
}

TEST(TokenMatcher, PrefixesOfEachOther) {
  const auto tokens = plain({"<|a|>", "<|a", "<|", "<|ab|>", ""});
  for (const Order order : {Order::kLongestFirst, Order::kLeftmostLongest}) {
    const TokenMatcher matcher(tokens, order);
    EXPECT_EQ(marked(matcher, "x<|a|><|ab<|ab|><|"), "x[0][1]b[3][2]");
    EXPECT_EQ(marked(matcher, ""), "");
    EXPECT_EQ(marked(matcher, "<"), "<");
  }
  EXPECT_EQ(marked(TokenMatcher(), "<|a|>"), "<|a|>");
}

TEST(TokenMatcher, StrippingTakesBlanksAlong) {
  auto tokens = plain({"<l>", "<r>"});
  tokens[0].strip_left = true;
  tokens[1].strip_right = true;
  const TokenMatcher matcher(tokens, Order::kLeftmostLongest);
  EXPECT_EQ(marked(matcher, "a \xE3\x80\x80\n<l> b"), "a[0] b");
  EXPECT_EQ(marked(matcher,
                   "a <r> \t\xC2\xA0"
                   "b"),
            "a [1]b");
  EXPECT_EQ(marked(matcher, "<r>  <l>"), "[1][0]");
}

TEST(TokenMatcher, SingleWordsStandAlone) {
  auto tokens = plain({"foo"});
  tokens[0].single_word = true;
  const TokenMatcher matcher(tokens, Order::kLeftmostLongest);
  EXPECT_EQ(marked(matcher,
                   "foo foobar _foo foo, \xC3\xA9"
                   "foo -foo"),
            "[0] foobar _foo [0], \xC3\xA9"
            "foo -[0]");
}

}  // namespace
}  // namespace tern
