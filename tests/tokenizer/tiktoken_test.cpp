#include "tokenizer/tiktoken.h"

#include <gtest/gtest.h>

#include "tokenizer/tokenizer_test_util.h"

namespace tern {
namespace {

std::string base64(std::string_view bytes) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    }
    for (size_t k = 0; k < 4; ++k) {
      out += i + k <= bytes.size() ? digits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out;
}

// 128000 ranks: the bytes, then ab, bc, abc, " ab", then filling of three bytes each.
std::string llama3_sized() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  for (const char* token : {"ab", "bc", "abc", " ab"}) tokens.emplace_back(token);
  for (uint32_t i = 0; tokens.size() < 128000; ++i) {
    tokens.push_back(
        {static_cast<char>(0xF8 | (i >> 16)), static_cast<char>(i >> 8), static_cast<char>(i)});
  }
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i)
    text += base64(tokens[i]) + " " + std::to_string(i) + "\n";
  return text;
}

TEST(Tiktoken, IsToldByItsFirstLine) {
  EXPECT_TRUE(looks_like_tiktoken("IQ== 0\nIg== 1\n"));
  EXPECT_TRUE(looks_like_tiktoken("IQ== 0\r\n"));
  for (const char* text :
       {"", "IQ==", "IQ== x", "I! 0", "IQ= 0", "{\"a\": 1}", "\x0A\x0E\x0A\x05", " 0"}) {
    EXPECT_FALSE(looks_like_tiktoken(text)) << text;
  }
}

TEST(Tiktoken, RanksAreMerges) {
  const auto tokenizer = tokenizer_from_tiktoken(llama3_sized(), "t");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  const Tokenizer& t = **tokenizer;
  EXPECT_EQ(t.n_vocab(), 128256);
  EXPECT_EQ(t.pre_tokenizer(), "llama-bpe");
  using Ids = std::vector<TokenId>;
  EXPECT_EQ(test::encode(t, "abc"), Ids{258});
  EXPECT_EQ(test::encode(t, "abcbc ab"), (Ids{258, 257, 259}));
  EXPECT_EQ(test::encode(t, "bcx"), (Ids{257, 'x'}));
  EXPECT_EQ(test::encode(t, "a", {}), (Ids{128000, 'a'}));
  EXPECT_EQ(t.token_text(128009), "<|eot_id|>");
}

TEST(Tiktoken, ConfigurationReplacesTheSpecialTokens) {
  HfConfig config;
  config.added = {{.id = 128000, .content = "<|im_end|>", .control = true}};
  config.bos.given = true;
  const auto tokenizer = tokenizer_from_tiktoken(llama3_sized(), "t", config);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->n_vocab(), 128001);
  EXPECT_TRUE((*tokenizer)->is_end_of_generation(128000));
  EXPECT_FALSE((*tokenizer)->special().bos);
}

TEST(TiktokenErrors, LinesAndCounts) {
  const auto code = [](const std::string& text) {
    const auto tokenizer = tokenizer_from_tiktoken(text, "t");
    EXPECT_FALSE(tokenizer);
    return tokenizer ? ErrorCode::kInternal : tokenizer.error().code;
  };
  EXPECT_EQ(code("IQ== 0\nIg== 1\n"), ErrorCode::kUnsupported);
  EXPECT_EQ(code("IQ== 1\n"), ErrorCode::kCorrupt);
  EXPECT_EQ(code("IQ== 0\nI? 1\n"), ErrorCode::kCorrupt);
  EXPECT_EQ(code("IQ== 0\nIg==\n"), ErrorCode::kCorrupt);
  EXPECT_EQ(code(base64(std::string(600, 'a')) + " 0\n"), ErrorCode::kUnsupported);
  EXPECT_EQ(code(""), ErrorCode::kUnsupported);
  const std::string good = llama3_sized();
  const std::string twice = base64(" ab") + " 259";
  std::string text = good;
  text.replace(text.find(twice), twice.size(), base64("abc") + " 259");
  EXPECT_EQ(code(text), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace tern
