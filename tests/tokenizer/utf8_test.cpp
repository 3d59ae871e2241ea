#include "tokenizer/utf8.h"

#include <gtest/gtest.h>

namespace tern {
namespace {

TEST(Utf8, EveryScalarValueIsReadBack) {
  for (uint32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(c, text);
    const DecodedChar decoded = decode_utf8(text, 0);
    ASSERT_TRUE(decoded.valid) << c;
    ASSERT_EQ(decoded.code_point, c);
    ASSERT_EQ(decoded.n_bytes, text.size());
    ASSERT_TRUE(is_valid_utf8(text));
    for (size_t n = 1; n < text.size(); ++n) {
      size_t used = 0;
      ASSERT_EQ(classify_utf8_start(std::string_view(text).substr(0, n), used),
                Utf8Tail::kNeedsMore);
      ASSERT_EQ(used, n);
    }
  }
}

TEST(Utf8, InvalidBytesAreOneReplacementCharacterEach) {
  for (const char* text :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE4\xB8", "\xC3"}) {
    const std::string_view bytes = text;
    EXPECT_FALSE(is_valid_utf8(bytes));
    const DecodedChar decoded = decode_utf8(bytes, 0);
    EXPECT_FALSE(decoded.valid);
    EXPECT_EQ(decoded.n_bytes, 1u);
    EXPECT_EQ(decoded.code_point, kReplacementCharacter);
    EXPECT_EQ(replace_invalid_utf8(bytes).size(), bytes.size() * kReplacementUtf8.size());
  }
  EXPECT_EQ(replace_invalid_utf8("a\xE4\xB8z\xC3\xA9"), "a\xEF\xBF\xBD\xEF\xBF\xBDz\xC3\xA9");
}

TEST(Utf8, AsciiBlocksDoNotHideAnInvalidByteBehindThem) {
  for (size_t n = 0; n < 20; ++n) {
    EXPECT_FALSE(is_valid_utf8(std::string(n, 'x') + "\xFF" + std::string(n, 'y')));
    EXPECT_TRUE(is_valid_utf8(std::string(n, 'x') + "\xC3\xA9" + std::string(n, 'y')));
  }
}

TEST(Utf8, TheInvalidPartIsTheLongestBeginningOfACharacter) {
  size_t n_bytes = 0;
  EXPECT_EQ(classify_utf8_start("\xF0\x9F\x98z", n_bytes), Utf8Tail::kInvalid);
  EXPECT_EQ(n_bytes, 3u);
  EXPECT_EQ(classify_utf8_start("\xE0\x80\x80", n_bytes), Utf8Tail::kInvalid);
  EXPECT_EQ(n_bytes, 1u);
}

}  // namespace
}  // namespace tern
