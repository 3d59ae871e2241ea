#include <gtest/gtest.h>

#include "gguf/text.h"
#include "tokenizer/regex_splitter.h"
#include "tokenizer/regex_translate.h"

namespace tern {
namespace {

std::vector<std::string> matches(std::string_view pattern, std::string_view text) {
  const auto regex = RegexSplitter::compile(pattern);
  EXPECT_TRUE(regex) << regex.error().message;
  if (!regex) return {};
  std::vector<ByteRange> ranges;
  const auto result = (*regex)->find_all(text, ranges);
  EXPECT_TRUE(result) << result.error().message;
  std::vector<std::string> found;
  for (const ByteRange& range : ranges) {
    found.emplace_back(text.substr(range.begin, range.end - range.begin));
  }
  return found;
}

using Strings = std::vector<std::string>;

TEST(RegexTranslate, RewritesWhatPcre2ReadsDifferently) {
  EXPECT_EQ(*translate_regex("\\s+(?!\\S)|[^\\s\\p{L}]"),
            "\\p{White_Space}+(?!\\P{White_Space})|[^\\p{White_Space}\\p{L}]");
  EXPECT_EQ(*translate_regex("a{,3}b{2}"), "a{0,3}b{2}");
  EXPECT_EQ(*translate_regex("\\u00e9[\\x41-\\x{5A}]"), "\\x{00e9}[\\x{41}-\\x{5A}]");
  EXPECT_EQ(*translate_regex("(?i:'s|'T)\\d[\\r\\n]\\+\\w"),
            "(?i:'s|'T)\\p{Nd}[\\r\\n]\\+[\\p{L}\\p{M}\\p{Nd}\\p{Pc}]");
}

TEST(RegexTranslate, RefusesWhatMayMeanSomethingElse) {
  for (const char* pattern :
       {"\\h",         "\\R",     "\\X",    "\\K",       "\\G",        "\\b",    "\\1",
        "\\Qx\\E",     "[a[bc]]", "[a&&b]", "[^\\W]",    "(?i)a",      "(?m:a)", "(?<name>a)",
        "(?P<name>a)", "(?R)",    "(?1)",   "(*ACCEPT)", "(?#x)",      "a{2}+",  "a{x}",
        "a{",          "[a",      "[]",     "\\p",       "\\pL",       "\\p{L",  "\\p{L!}",
        "\\",          "\\x{",    "\\x{41", "\\u",       "[[:alpha:]]"}) {
    const auto translated = translate_regex(pattern);
    ASSERT_FALSE(translated) << pattern << " -> " << *translated;
    EXPECT_EQ(translated.error().code, ErrorCode::kUnsupported) << pattern;
    EXPECT_NE(translated.error().message.find(gguf::printable(pattern)), std::string::npos);
  }
}

TEST(RegexSplitter, FindsAllMatchesFromTheLeft) {
  EXPECT_EQ(matches("a+", "aa b aaa"), (Strings{"aa", "aaa"}));
  EXPECT_EQ(matches("\\p{L}+|\\p{N}{1,3}", "ab12345\xC3\xA9"),
            (Strings{"ab", "123", "45", "\xC3\xA9"}));
  EXPECT_EQ(matches("x*", "axxb"), (Strings{"xx"}));
  EXPECT_EQ(matches("(?<=a)b", "abb"), (Strings{"b"}));
  EXPECT_EQ(matches("a$", "a\na"), (Strings{"a", "a"}));
  EXPECT_EQ(matches("(?i:'S)", "'\xC5\xBF"), (Strings{"'\xC5\xBF"}));
}

TEST(RegexSplitter, InvalidBytesAreReplacementCharacters) {
  EXPECT_EQ(matches("\\x{FFFD}+", "a\xFF\xFE\x62\xE4\xB8"), (Strings{"\xFF\xFE", "\xE4\xB8"}));
  EXPECT_EQ(matches("[a-z]+", "ab\xFFz"), (Strings{"ab", "z"}));
}

TEST(RegexSplitter, BrokenExpressionsAreErrors) {
  for (const char* pattern : {"(a", "a)", "*a", "\\p{NoSuchProperty}", "a{3,2}", "[z-a]"}) {
    const auto regex = RegexSplitter::compile(pattern);
    ASSERT_FALSE(regex) << pattern;
    EXPECT_EQ(regex.error().code, ErrorCode::kCorrupt) << pattern;
  }
  EXPECT_FALSE(RegexSplitter::compile("\xFF"));
}

TEST(RegexSplitter, EndlessBacktrackingIsAnErrorAndNoWrongMatch) {
  const auto exponential = RegexSplitter::compile("(?:a|a|aa)+b");
  ASSERT_TRUE(exponential);
  std::vector<ByteRange> ranges;
  const auto result = (*exponential)->find_all(std::string(5000, 'a'), ranges);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
  // Quadratic: every start reads to the end.
  const auto quadratic = RegexSplitter::compile("[ab]*c");
  ASSERT_TRUE(quadratic);
  EXPECT_FALSE((*quadratic)->find_all(std::string(1'000'000, 'a'), ranges));
}

TEST(RegexSplitter, MatchesLongerThanAWindowAreWhole) {
  // The engine sees the text in windows of growing size; here every decision lies far behind the
  // start.
  const std::string a(100'000, 'a');
  EXPECT_EQ(matches("a+b|a", a + "b"), (Strings{a + "b"}));
  EXPECT_EQ(matches("a+(?!c)", a + "c"), (Strings{a.substr(1)}));
  EXPECT_EQ(matches("a+$|b", a + "\nb"), (Strings{a, "b"}));
  EXPECT_EQ(matches("\\u00e9+", std::string(511, 'x') + "\xC3\xA9\xC3\xA9"),
            (Strings{"\xC3\xA9\xC3\xA9"}));
  for (size_t n = 500; n < 530; ++n) {
    std::string accents;
    for (size_t i = 0; i < n; ++i) accents += "\xC3\xA9";
    EXPECT_EQ(matches("x?\\p{L}+", "x" + accents + " y"), (Strings{"x" + accents, "y"}));
  }
}

TEST(RegexSplitter, AMegabyteInOneMatchIsNoProblem) {
  const std::string text(1'000'000, ' ');
  for (const char* pattern :
       {"\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", "(?: | )+", "[^\\r\\n]?\\p{L}+|\\s+$"}) {
    EXPECT_EQ(matches(pattern, text), Strings{text}) << pattern;
  }
}

}  // namespace
}  // namespace tern
