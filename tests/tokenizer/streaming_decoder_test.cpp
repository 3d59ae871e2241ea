#include <gtest/gtest.h>

#include "tokenizer/from_gguf.h"
#include "tokenizer/tokenizer_test_util.h"
#include "tokenizer/utf8.h"

namespace tern {
namespace {

test::TokenizerPtr byte_tokenizer() {
  const auto tokenizer =
      tokenizer_from_gguf(test::SmallBpe{.merges = {}, .extra = {{"<|x|>", 3}, {"\xF0\x9F\x98", 4}}}
                              .metadata("gpt-2")
                              .get(),
                          {});
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return *tokenizer;
}

TEST(StreamingDecoder, RandomTokensNeverGiveInvalidText) {
  const auto tokenizer = byte_tokenizer();
  const uint32_t seed = test::test_seed();
  std::mt19937 random(seed);
  for (int round = 0; round < 3000; ++round) {
    std::vector<TokenId> ids;
    for (size_t i = 0; i < 1 + random() % 30; ++i) {
      // Mostly bytes of longer characters, to get whole, cut and broken ones.
      const uint32_t draw = static_cast<uint32_t>(random());
      ids.push_back(draw % 4 == 0 ? static_cast<TokenId>(draw / 4 % 258)
                                  : static_cast<TokenId>(0x80 + draw / 4 % 0x80));
    }
    for (const bool with_special : {false, true}) {
      StreamingDecoder decoder(*tokenizer, with_special);
      std::string joined;
      for (const TokenId id : ids) {
        const std::string text = decoder.push(id);
        ASSERT_TRUE(is_valid_utf8(text)) << "seed " << seed;
        joined += text;
      }
      const std::string rest = decoder.finish();
      ASSERT_TRUE(is_valid_utf8(rest));
      joined += rest;
      ASSERT_EQ(joined, tokenizer->decode(ids, with_special)) << "seed " << seed;
    }
  }
}

TEST(StreamingDecoder, HalfCharactersAreHeldBackAndNoLonger) {
  const auto tokenizer = byte_tokenizer();
  StreamingDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push('a'), "a");
  EXPECT_EQ(decoder.push(0xE4), "");
  EXPECT_EQ(decoder.push(0xB8), "");
  EXPECT_EQ(decoder.push(0xAD), "\xE4\xB8\xAD");
  EXPECT_EQ(decoder.push(0xE4), "");
  // As soon as it cannot become a character, it is given out, with what came after.
  EXPECT_EQ(decoder.push('b'),
            "\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(decoder.push(0xFF), "\xEF\xBF\xBD");
  EXPECT_EQ(decoder.push(0xED), "");
  EXPECT_EQ(decoder.push(0xA0), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(decoder.push(257), "");
  EXPECT_EQ(decoder.finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(decoder.finish(), "");
}

TEST(StreamingDecoder, ControlTokensAreSilentUnlessAskedFor) {
  const auto tokenizer = byte_tokenizer();
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{'a', 256, 'b'}), "ab");
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{'a', 256, 'b'}, true), "a<|x|>b");
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{-1, 'a', 100000}), "a");
}

}  // namespace
}  // namespace tern
