#include "base/escape.h"

#include <gtest/gtest.h>

namespace tern {
namespace {

TEST(Escape, ControlsAndBadBytesBecomeVisible) {
  EXPECT_EQ(escape_controls("plain \xC3\xBC"), "plain \xC3\xBC");
  EXPECT_EQ(escape_controls("a\x1b[0m\n\t\r\x7f"), "a\\x1b[0m\\n\\t\\r\\x7f");
  EXPECT_EQ(escape_controls("\xC2\x9B"
                            "31m"),
            "\\u009b31m");  // the C1 form of ESC [
  EXPECT_EQ(escape_controls("\xE2\x80\xAE|\xE2\x81\xA9"), "\\u202e|\\u2069");  // bidi controls
  EXPECT_EQ(escape_controls("\xE2\x80\x94\xE2\x81\xA5"), "\xE2\x80\x94\xE2\x81\xA5");
  EXPECT_EQ(escape_controls("\xFF\xC3"), "\\xff\\xc3");
  EXPECT_EQ(escape_controls("\xC0\x80"), "\\xc0\\x80");           // overlong
  EXPECT_EQ(escape_controls("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(escape_controls("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(escape_controls("\xF0\x9F\x99\x82"), "\xF0\x9F\x99\x82");
  EXPECT_EQ(escape_controls("a'b\n", "'"), "a\\'b\\n");
}

}  // namespace
}  // namespace tern
