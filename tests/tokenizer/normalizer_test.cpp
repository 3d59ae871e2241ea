#include "tokenizer/normalizer.h"

#include <gtest/gtest.h>
#include <utf8proc.h>

#include <cstdlib>

#include "tokenizer/tokenizer_test_util.h"
#include "tokenizer/utf8.h"

namespace tern {
namespace {

// utf8proc's own one-call form, which nfc() does not use for the time it takes on long runs of
// marks.
std::string reference_nfc(const std::string& text) {
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t n =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &result,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  EXPECT_GE(n, 0);
  std::string out(reinterpret_cast<const char*>(result), static_cast<size_t>(n));
  std::free(result);
  return out;
}

TEST(Nfc, ByExample) {
  EXPECT_EQ(nfc("e\xCC\x81"), "\xC3\xA9");
  EXPECT_EQ(nfc("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB"), "\xED\x95\x9C");
  EXPECT_EQ(nfc("\xE2\x84\xAB"), "\xC3\x85");                  // Angstrom sign
  EXPECT_EQ(nfc("a\xCC\x81\xCC\xA7"), "\xC3\xA1\xCC\xA7");     // marks are put in order
  EXPECT_EQ(nfc("\xE0\xA5\x98"), "\xE0\xA4\x95\xE0\xA4\xBC");  // excluded from composition
  EXPECT_EQ(nfc("plain"), "plain");
  EXPECT_EQ(nfc(""), "");
}

TEST(Nfc, EqualsTheLibraryOnRandomText) {
  const uint32_t seed = test::test_seed();
  std::mt19937 random(seed);
  for (int i = 0; i < 3000; ++i) {
    std::string text = test::random_text(random, 20, false);
    for (int n = 0; n < 20; ++n) {
      const auto draw = static_cast<uint32_t>(random());
      const uint32_t c = n % 2 == 0 ? 0x300 + draw % 0x70 : draw % 0x110000;
      if (c < 0xD800 || c > 0xDFFF) append_utf8(c, text);
      if (n % 5 == 0) text += 'e';
    }
    ASSERT_EQ(nfc(text), reference_nfc(text)) << "seed " << seed;
  }
}

TEST(Nfc, InvalidBytesStayAndSeparate) {
  EXPECT_EQ(nfc("e\xFF\xCC\x81"), "e\xFF\xCC\x81");
  EXPECT_EQ(nfc("\xE4\xB8"), "\xE4\xB8");
  EXPECT_EQ(nfc("e\xCC\x81\xFF"
                "e\xCC\x81"),
            "\xC3\xA9\xFF\xC3\xA9");
}

TEST(Normalizer, StepsRunInOrder) {
  const Normalizer normalizer(
      {Normalizer::Prepend{"_"}, Normalizer::Replace{" ", "_"}, Normalizer::Nfc{}});
  EXPECT_EQ(normalizer.apply("a e\xCC\x81"), "_a_\xC3\xA9");
  EXPECT_EQ(normalizer.apply(""), "");
  EXPECT_TRUE(Normalizer().is_identity());
}

TEST(ReplaceAll, FromTheLeftWithoutOverlap) {
  EXPECT_EQ(replace_all("aaa", "aa", "b"), "ba");
  EXPECT_EQ(replace_all("a a", " ", "__"), "a__a");
  EXPECT_EQ(replace_all("", "x", "y"), "");
}

}  // namespace
}  // namespace tern
