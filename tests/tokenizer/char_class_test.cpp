#include "tokenizer/char_class.h"

#include <gtest/gtest.h>

#include "tokenizer/regex_splitter.h"

namespace tern {
namespace {

// Membership of every code point as PCRE2 sees it: another library's Unicode tables.
std::vector<bool> members(const std::string& pcre_class) {
  const auto regex = RegexSplitter::compile_pcre2(pcre_class + "+");
  EXPECT_TRUE(regex);
  std::string text;
  for (uint32_t c = 0; c < 0x110000; ++c) {
    if (c < 0xD800 || c > 0xDFFF) append_utf8(c, text);
  }
  std::vector<ByteRange> ranges;
  EXPECT_TRUE((*regex)->find_all(text, ranges));
  std::vector<bool> in(0x110000);
  for (const ByteRange& range : ranges) {
    for (size_t pos = range.begin; pos < range.end;) {
      const DecodedChar c = decode_utf8(text, pos);
      in[c.code_point] = true;
      pos += c.n_bytes;
    }
  }
  return in;
}

// The two libraries may know different versions of Unicode: what one of them has as unassigned may
// differ.
void expect_same(const std::string& pcre_class, CharClass cls) {
  const std::vector<bool> expected = members(pcre_class);
  static const std::vector<bool> unassigned = members("\\p{Cn}");
  size_t n_members = 0;
  for (uint32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const bool in = (char_class(c) & cls) != 0;
    n_members += in ? 1 : 0;
    EXPECT_TRUE(in == expected[c] || unassigned[c]) << pcre_class << " U+" << std::hex << c;
  }
  EXPECT_GT(n_members, 0u);
}

TEST(CharClass, AgreesWithPcre2OnEveryAssignedCharacter) {
  expect_same("\\p{L}", kClassLetter);
  expect_same("\\p{N}", kClassNumber);
  expect_same("\\p{M}", kClassMark);
  expect_same("\\p{P}", kClassPunctuation);
  expect_same("\\p{White_Space}", kClassSpace);
  expect_same("[\\r\\n]", kClassNewline);
  expect_same("[0-9]", kClassAsciiDigit);
}

TEST(CharClass, MongolianVowelSeparatorIsNoSpace) { EXPECT_EQ(char_class(0x180E), 0); }

TEST(CharClass, BeyondTheEndOfTextIsNoCharacter) {
  EXPECT_EQ(classed_char("a", 1).cls, kClassEnd);
  EXPECT_EQ(classed_char("a", 1).n_bytes, 0u);
  EXPECT_EQ(char_class(0x110000), 0);
}

TEST(CharClass, WordCharacters) {
  for (const uint32_t c :
       {uint32_t{'a'}, uint32_t{'_'}, uint32_t{'7'}, 0xE9u, 0x301u, 0x203Fu, 0x2160u, 0x24B6u}) {
    EXPECT_TRUE(is_word_char(c)) << std::hex << c;
  }
  for (const uint32_t c : {uint32_t{'-'}, uint32_t{' '}, 0x2014u, 0xBDu, 0x1F600u}) {
    EXPECT_FALSE(is_word_char(c)) << std::hex << c;
  }
}

}  // namespace
}  // namespace tern
