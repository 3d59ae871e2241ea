// tokenizer.model messages made here field by field.
#include "tokenizer/sentencepiece.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tokenizer/sentencepiece_model.h"
#include "tokenizer/tokenizer_test_util.h"

namespace tern {
namespace {

using test::encode;
using Ids = std::vector<TokenId>;

const std::string kMark = "\xE2\x96\x81";

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string number(uint32_t field, uint64_t value) { return varint(field << 3) + varint(value); }
std::string bytes(uint32_t field, const std::string& text) {
  return varint(field << 3 | 2) + varint(text.size()) + text;
}
std::string fixed32(uint32_t field, float value) {
  std::string raw(4, '\0');
  std::memcpy(raw.data(), &value, 4);
  return varint(field << 3 | 5) + raw;
}
std::string piece(const std::string& text, float score, uint64_t type) {
  return bytes(1, bytes(1, text) + fixed32(2, score) + (type == 1 ? "" : number(3, type)));
}

std::string pieces() {
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece(kMark, -9, 1) +
         piece("a", -8, 1) + piece("b", -7, 1) + piece("ab", -1, 1) + piece(kMark + "ab", -2, 1) +
         piece("<sep>", 0, 4);
}
std::string trainer(const std::string& more = "") { return bytes(2, number(3, 2) + more); }
std::string normalizer(const std::string& more = number(4, 0)) {
  return bytes(3, bytes(1, "identity") + more);
}

Result<std::shared_ptr<const Tokenizer>> parse(const std::string& text,
                                               const HfConfig& config = {}) {
  return tokenizer_from_sentencepiece(
      std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()), "t.model", config);
}

test::TokenizerPtr load(const std::string& text, const HfConfig& config = {}) {
  auto tokenizer = parse(text, config);
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return tokenizer ? *tokenizer : nullptr;
}

TEST(SentencePiece, ReadsPiecesAndOptions) {
  const auto t = load(pieces() + trainer() + normalizer());
  ASSERT_TRUE(t);
  EXPECT_EQ(t->n_vocab(), 9);
  EXPECT_EQ(t->special().bos, 1);
  EXPECT_EQ(t->special().eos, 2);
  EXPECT_EQ(t->special().unk, 0);
  EXPECT_FALSE(t->special().pad);
  EXPECT_EQ(encode(*t, "ab  ab<sep>b", {}), (Ids{1, 7, 3, 7, 8, 3, 5}));
  EXPECT_EQ(encode(*t, "xyab"), (Ids{3, 0, 6}));
}

TEST(SentencePiece, OptionsOfTheNormaliserAndIds) {
  // Absent, remove_extra_whitespaces is on.
  EXPECT_EQ(encode(*load(pieces() + trainer() + normalizer("")), " ab  ab "), (Ids{7, 7}));
  EXPECT_EQ(encode(*load(pieces() + trainer() + normalizer(number(3, 0) + number(4, 0))), "ab ab"),
            (Ids{6, 7}));
  const auto t = load(pieces() + trainer(number(41, ~uint64_t{0}) + number(42, 8) + number(43, 0)) +
                      normalizer());
  EXPECT_FALSE(t->special().bos);
  EXPECT_FALSE(t->special().add_bos);
  EXPECT_EQ(t->special().eos, 8);
  EXPECT_EQ(t->special().pad, 0);
}

TEST(SentencePiece, ConfigurationAddsTokens) {
  HfConfig config;
  config.added = {{.id = 9, .content = "<|im_end|>", .control = true}, {.id = 10, .content = "ba"}};
  const auto t = load(pieces() + trainer() + normalizer(), config);
  EXPECT_EQ(t->n_vocab(), 11);
  EXPECT_TRUE(t->is_end_of_generation(9));
  EXPECT_EQ(encode(*t, "abab"), (Ids{3, 4, 10, 3, 5}));
}

TEST(SentencePiece, UnknownFieldsAreSkipped) {
  const std::string unknown =
      number(100, 7) + bytes(101, "x") + fixed32(102, 1) + varint(103 << 3 | 1) + "12345678";
  EXPECT_TRUE(load(unknown + pieces() + trainer(unknown) + normalizer() + bytes(4, "junk")));
}

TEST(SentencePieceErrors, WhatIsNotSupportedIsNamed) {
  const auto refused = [](const std::string& text, const char* what) {
    const auto t = parse(text);
    ASSERT_FALSE(t) << what;
    EXPECT_EQ(t.error().code, ErrorCode::kUnsupported) << t.error().message;
    EXPECT_NE(t.error().message.find(what), std::string::npos) << t.error().message;
  };
  refused(pieces() + bytes(2, number(3, 1)), "unigram");
  refused(pieces(), "unigram");  // the format's default
  refused(pieces() + bytes(2, number(3, 3)), "word");
  refused(pieces() + bytes(2, number(3, 4)), "char");
  refused(pieces() + trainer() + bytes(3, bytes(1, "nmt_nfkc") + bytes(2, "map")), "nmt_nfkc");
  refused(pieces() + trainer() + normalizer() + bytes(5, bytes(2, "map")), "map");
  refused(pieces() + trainer(number(24, 1)), "whitespace_as_suffix");
  refused(pieces() + trainer() + normalizer(number(5, 0)), "escape_whitespaces");
}

TEST(SentencePieceErrors, WhatIsBrokenIsCorrupt) {
  const std::string whole = pieces() + trainer() + normalizer();
  const auto corrupt = [](const std::string& text) {
    const auto t = parse(text);
    ASSERT_FALSE(t);
    EXPECT_EQ(t.error().code, ErrorCode::kCorrupt) << t.error().message;
    EXPECT_NE(t.error().message.find("t.model"), std::string::npos);
  };
  corrupt(whole + piece("a", 0, 1));                                   // twice
  corrupt(whole + piece("x", 0, 7));                                   // unknown type
  corrupt(whole + piece("zz", 0, 6));                                  // no byte
  corrupt(whole + bytes(1, bytes(1, "x") + fixed32(2, 0.0f / 0.0f)));  // not a number
  corrupt(whole + bytes(2, number(42, 9)));                            // eos out of range
  corrupt(whole + bytes(2, number(3, 9)));                             // model type
  corrupt(whole + number(1, 5));                                       // wire type
  corrupt(whole + bytes(1, number(1, 5)));                             // wire type inside
  corrupt(whole + varint(1 << 3 | 3));                                 // group
  corrupt(whole + varint(1 << 3 | 2) + varint(~uint64_t{0}));          // length
  corrupt(whole + std::string(11, '\xFF'));                            // endless number
  corrupt(std::string());
  EXPECT_TRUE(trainer() != normalizer());
}

TEST(SentencePieceErrors, EveryTruncationIsHandled) {
  const std::string whole = pieces() + trainer() + normalizer();
  size_t n_good = 0;
  for (size_t n = 0; n < whole.size(); ++n) n_good += parse(whole.substr(0, n)) ? 1 : 0;
  // Cut between the last two messages, it is a smaller model.
  EXPECT_EQ(n_good, 1u);
}

}  // namespace
}  // namespace tern
