#include "gguf/text.h"

#include <gtest/gtest.h>

namespace tern::gguf {
namespace {

TEST(GgufPrintable, KeepsReadableText) {
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable("blk.0.attn_q.weight"), "blk.0.attn_q.weight");
  EXPECT_EQ(printable("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"),
            "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
}

TEST(GgufPrintable, EscapesWhatATerminalActsOn) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a\\u{1b}[31mb");
  EXPECT_EQ(printable(std::string_view("\0\n\r\t\x7f", 5)), "\\u{0}\\u{a}\\u{d}\\u{9}\\u{7f}");
  EXPECT_EQ(printable("\xC2\x9B"), "\\u{9b}");        // the 8-bit form of ESC [
  EXPECT_EQ(printable("\xE2\x80\xAE"), "\\u{202e}");  // right-to-left override
  EXPECT_EQ(printable("\xE2\x80\x8B"), "\\u{200b}");  // zero-width space
  EXPECT_EQ(printable("\xEF\xBB\xBF"), "\\u{feff}");
}

TEST(GgufPrintable, EscapesTheQuoteAndTheEscape) { EXPECT_EQ(printable("a'b\\c"), "a\\'b\\\\c"); }

TEST(GgufPrintable, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\x80"), "\\x80");
  EXPECT_EQ(printable("\xC3"), "\\xc3");                             // cut off
  EXPECT_EQ(printable("\xC3("), "\\xc3(");                           // no continuation
  EXPECT_EQ(printable("\xC0\xAF"), "\\xc0\\xaf");                    // longer than needed
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");           // surrogate
  EXPECT_EQ(printable("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
}

TEST(GgufPrintable, CutsLongText) {
  EXPECT_EQ(printable("abcdef", 4), "abcd...");
  EXPECT_EQ(printable("abcd", 4), "abcd");
}

}  // namespace
}  // namespace tern::gguf
