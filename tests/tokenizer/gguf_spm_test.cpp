// SentencePiece vocabularies from GGUF metadata: small ones made here.
#include <gtest/gtest.h>

#include <limits>

#include "tokenizer/from_gguf.h"
#include "tokenizer/tokenizer_test_util.h"

namespace tern {
namespace {

using test::encode;
using test::MetadataBuilder;
using Ids = std::vector<TokenId>;

const std::string kMark = "\xE2\x96\x81";

struct Piece {
  std::string text;
  float score;
  int32_t type;
};

std::vector<Piece> small_pieces() {
  return {{"<unk>", 0, 2}, {"<s>", 0, 3},        {"</s>", 0, 3}, {kMark, -10, 1},
          {"a", -11, 1},   {"b", -12, 1},        {"c", -13, 1},  {"ab", -1, 1},
          {"bc", -2, 1},   {kMark + "a", -3, 1}, {"abc", -4, 1}, {kMark + "ab", -5, 1},
          {"<x>", 0, 4}};
}

std::vector<Piece> with_bytes(std::vector<Piece> pieces) {
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", static_cast<unsigned>(byte));
    pieces.push_back({text, 0, 6});
  }
  return pieces;
}

MetadataBuilder metadata_of(const std::vector<Piece>& pieces) {
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<int32_t> types;
  for (const Piece& piece : pieces) {
    texts.push_back(piece.text);
    scores.push_back(piece.score);
    types.push_back(piece.type);
  }
  MetadataBuilder builder;
  builder.text("tokenizer.ggml.model", "llama").texts("tokenizer.ggml.tokens", texts);
  builder.floats("tokenizer.ggml.scores", scores).ints("tokenizer.ggml.token_type", types);
  return builder;
}

test::TokenizerPtr load(const MetadataBuilder& metadata) {
  auto tokenizer = tokenizer_from_gguf(metadata.get(), {});
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return tokenizer ? *tokenizer : nullptr;
}

TEST(GgufSpm, HighestScoreJoinsFirst) {
  const auto t = load(metadata_of(with_bytes(small_pieces())));
  ASSERT_TRUE(t);
  EXPECT_EQ(t->kind(), "SPM");
  EXPECT_EQ(t->pre_tokenizer(), "");
  EXPECT_EQ(t->special().bos, 1);
  EXPECT_EQ(t->special().eos, 2);
  EXPECT_EQ(t->special().unk, 0);
  EXPECT_TRUE(t->special().add_bos);
  EXPECT_TRUE(t->drops_leading_space());
  // ab (-1) before bc (-2) and _a (-3); then _ab (-5) loses against abc (-4).
  EXPECT_EQ(encode(*t, "abc"), (Ids{3, 10}));
  EXPECT_EQ(encode(*t, "ab a", {}), (Ids{1, 11, 9}));
  EXPECT_EQ(encode(*t, "bcb"), (Ids{3, 8, 5}));
  EXPECT_EQ(encode(*t, ""), Ids{});
  EXPECT_EQ(t->decode(encode(*t, "ab a  c", {})), "ab a  c");
  EXPECT_EQ(t->token_bytes(9), " a");
}

TEST(GgufSpm, BytesStandForCharactersWithoutAToken) {
  const auto t = load(metadata_of(with_bytes(small_pieces())));
  const TokenId byte0 = 13;
  EXPECT_EQ(encode(*t, "z\n"), (Ids{3, byte0 + 'z', byte0 + '\n'}));
  EXPECT_EQ(encode(*t, "\xE4\xB8\xAD\xFF"),
            (Ids{3, byte0 + 0xE4, byte0 + 0xB8, byte0 + 0xAD, byte0 + 0xFF}));
  EXPECT_EQ(t->decode(Ids{byte0 + 0xE4, byte0 + 0xB8, byte0 + 0xAD}), "\xE4\xB8\xAD");
}

TEST(GgufSpm, WithoutByteTokensUnknownCharactersAreOneUnknownToken) {
  const auto t = load(metadata_of(small_pieces()));
  EXPECT_EQ(encode(*t, "azzb\xFF"), (Ids{9, 0, 5, 0}));
}

TEST(GgufSpm, SpecialAndUserDefinedTokens) {
  const auto t = load(metadata_of(with_bytes(small_pieces())));
  // Each fragment gets its space in front.
  EXPECT_EQ(encode(*t, "a<x>a"), (Ids{9, 12, 9}));
  EXPECT_EQ(encode(*t, "a</s>a", {.add_special = true, .parse_special = true}), (Ids{1, 9, 2, 9}));
  EXPECT_EQ(encode(*t, "<s>a", {.add_special = true, .parse_special = true}), (Ids{1, 9}));
  for (const TokenId id : encode(*t, "a</s><s><unk>a")) EXPECT_FALSE(t->is_control(id));
  const std::vector<TextRange> ranges = {{1, 5}};
  EXPECT_EQ(encode(*t, "a</s>a", {.add_special = true, .special_ranges = ranges}),
            (Ids{1, 9, 2, 9}));
  EXPECT_EQ(encode(*t, "<s>a", {.add_special = true, .special_ranges = {}}),
            encode(*t, "<s>a", {.add_special = true}));
  EXPECT_TRUE(t->is_end_of_generation(2));
}

TEST(GgufSpm, SpacePrefixAndWhitespaceOptions) {
  MetadataBuilder no_prefix = metadata_of(with_bytes(small_pieces()));
  no_prefix.flag("tokenizer.ggml.add_space_prefix", false);
  const auto plain = load(no_prefix);
  EXPECT_EQ(encode(*plain, "ab"), Ids{7});
  EXPECT_FALSE(plain->drops_leading_space());
  EXPECT_EQ(plain->decode(Ids{9}), " a");

  MetadataBuilder squeeze = metadata_of(with_bytes(small_pieces()));
  squeeze.flag("tokenizer.ggml.remove_extra_whitespaces", true);
  const auto squeezed = load(squeeze);
  EXPECT_EQ(encode(*squeezed, "  ab   a "), (Ids{11, 9}));
  EXPECT_EQ(encode(*squeezed, "   "), Ids{});
}

TEST(GgufSpm, WordsByWordsIsTheSameAsTheWhole) {
  // One more token, with the marker inside, turns the cutting at words off; its score and spelling
  // keep it from ever being used here.
  std::vector<Piece> pieces = with_bytes(small_pieces());
  pieces.push_back({kMark + kMark, -6, 1});
  pieces.push_back({"c" + kMark + "c" + kMark + "b", -1000, 1});
  const auto whole = load(metadata_of(pieces));
  pieces.back().text = "cccccb";
  const auto cut = load(metadata_of(pieces));
  std::mt19937 random(test::test_seed());
  for (int i = 0; i < 500; ++i) {
    std::string text;
    for (int n = 0; n < 60; ++n) text += "abc  "[random() % 5];
    ASSERT_EQ(encode(*whole, text), encode(*cut, text)) << text;
  }
}

TEST(GgufSpm, WithoutTypesBytesAreKnownByTheirSpelling) {
  const std::vector<Piece> pieces = with_bytes(small_pieces());
  std::vector<std::string> texts;
  std::vector<float> scores;
  for (const Piece& piece : pieces) {
    texts.push_back(piece.text);
    scores.push_back(piece.score);
  }
  MetadataBuilder builder;
  builder.text("tokenizer.ggml.model", "llama").texts("tokenizer.ggml.tokens", texts);
  builder.floats("tokenizer.ggml.scores", scores);
  const auto t = load(builder);
  EXPECT_EQ(encode(*t, "z"), (Ids{3, 13 + 'z'}));
  EXPECT_EQ(t->special().bos, 1);
}

TEST(GgufSpmErrors, ScoresAndOptions) {
  const auto expect_error = [](const MetadataBuilder& metadata, ErrorCode code,
                               const char* mentioned) {
    const auto result = tokenizer_from_gguf(metadata.get(), {});
    ASSERT_FALSE(result) << mentioned;
    EXPECT_EQ(result.error().code, code);
    EXPECT_NE(result.error().message.find(mentioned), std::string::npos) << result.error().message;
  };
  MetadataBuilder none;
  none.text("tokenizer.ggml.model", "llama").texts("tokenizer.ggml.tokens", {"a", "b"});
  expect_error(none, ErrorCode::kCorrupt, "tokenizer.ggml.scores");
  MetadataBuilder too_few = none;
  too_few.floats("tokenizer.ggml.scores", {1.0f});
  expect_error(too_few, ErrorCode::kCorrupt, "tokenizer.ggml.scores");
  MetadataBuilder nan = none;
  nan.floats("tokenizer.ggml.scores", {1.0f, std::numeric_limits<float>::quiet_NaN()});
  expect_error(nan, ErrorCode::kCorrupt, "tokenizer.ggml.scores");
  MetadataBuilder map = metadata_of(small_pieces());
  map.text("tokenizer.ggml.precompiled_charsmap", "x");
  expect_error(map, ErrorCode::kUnsupported, "precompiled_charsmap");
}

}  // namespace
}  // namespace tern
