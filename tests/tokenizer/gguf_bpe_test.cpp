// Byte-level BPE from GGUF metadata: small vocabularies made here.
#include <gtest/gtest.h>

#include "gguf/text.h"
#include "tokenizer/from_gguf.h"
#include "tokenizer/tokenizer_test_util.h"

namespace tern {
namespace {

using test::encode;
using test::MetadataBuilder;
using test::SmallBpe;
using Ids = std::vector<TokenId>;

struct Notes {
  std::vector<std::string> lines;
  LogSink sink() {
    return [this](LogLevel, std::string_view line) { lines.emplace_back(line); };
  }
  bool mention(std::string_view text) const {
    for (const std::string& line : lines) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }
};

test::TokenizerPtr load(const MetadataBuilder& metadata, const LogSink& log = {}) {
  auto tokenizer = tokenizer_from_gguf(metadata.get(), log);
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return tokenizer ? *tokenizer : nullptr;
}

void expect_error(const MetadataBuilder& metadata, ErrorCode code, const std::string& mentioned) {
  const auto tokenizer = tokenizer_from_gguf(metadata.get(), {});
  ASSERT_FALSE(tokenizer) << mentioned;
  EXPECT_EQ(tokenizer.error().code, code) << tokenizer.error().message;
  EXPECT_NE(tokenizer.error().message.find(mentioned), std::string::npos)
      << tokenizer.error().message << " does not mention " << mentioned;
}

// The bytes spelled 0x20 and 0x0A in the byte alphabet.
const std::string kSpace = "\xC4\xA0";

SmallBpe hello() {
  // Ids from 256 on: he 256, ll 257, llo 258, hello 259, " hello" 260, 12 261
  return {.merges = {"h e", "l l", "ll o", "he llo", kSpace + " hello", "1 2"},
          .extra = {{"<|begin_of_text|>", 3}, {"<|eot_id|>", 3}, {"<think>", 4}, {"[PAD]", 5}}};
}
constexpr TokenId kBos = 262;
constexpr TokenId kEot = 263;
constexpr TokenId kThink = 264;

TEST(GgufBpe, MergesAndDecodes) {
  const auto t = load(hello().metadata("gpt-2"));
  ASSERT_TRUE(t);
  EXPECT_EQ(t->kind(), "BPE");
  EXPECT_EQ(t->pre_tokenizer(), "gpt-2");
  EXPECT_EQ(t->n_vocab(), 266);
  EXPECT_EQ(encode(*t, "hello hello hell"), (Ids{259, 260, ' ', 256, 257}));
  EXPECT_EQ(t->decode(Ids{259, 260, ' ', 256, 257}), "hello hello hell");
  EXPECT_EQ(t->token_text(260), kSpace + "hello");
  EXPECT_EQ(t->token_bytes(260), " hello");
  EXPECT_EQ(t->find_token(kSpace + "hello"), 260);
  EXPECT_EQ(t->find_token("nothing"), std::nullopt);
  EXPECT_EQ(encode(*t, ""), Ids{});
}

TEST(GgufBpe, EveryByteStringSurvives) {
  for (const char* pre :
       {"llama-bpe", "falcon3", "qwen35", "falcon", "falcon_e", "gpt-2", "default"}) {
    const auto t = load(hello().metadata(pre));
    ASSERT_TRUE(t);
    std::mt19937 random(test::test_seed());
    for (int i = 0; i < 200; ++i) {
      std::string text = test::random_text(random, 20, true);
      for (int n = 0; n < 10; ++n) text += static_cast<char>(random() % 256);
      std::string bytes;
      for (const TokenId id : encode(*t, text)) bytes += t->token_bytes(id);
      if (std::string_view(pre) != "qwen35") {
        ASSERT_EQ(bytes, text) << pre;
      } else {
        ASSERT_EQ(encode(*t, bytes), encode(*t, text));
      }
    }
  }
}

TEST(GgufBpe, PreTokenizerDecidesWhereWordsEnd) {
  const auto ids = [](const char* pre, std::string_view text) {
    return encode(*load(hello().metadata(pre)), text);
  };
  EXPECT_EQ(ids("llama-bpe", "x12"), (Ids{'x', 261}));
  EXPECT_EQ(ids("qwen2", "x12"), (Ids{'x', '1', '2'}));
  EXPECT_EQ(ids("falcon_e", "x12"), (Ids{'x', '1', '2'}));
  EXPECT_EQ(ids("falcon", "x12"), (Ids{'x', 261}));
  EXPECT_EQ(ids("default", "x12"), (Ids{'x', 261}));
}

TEST(GgufBpe, QwenNormalises) {
  // e9 in UTF-8 is C3 A9; with the combining acute accent it would be 65 CC 81.
  EXPECT_EQ(encode(*load(hello().metadata("qwen2")), "e\xCC\x81"), (Ids{0xC3, 0xA9}));
  EXPECT_EQ(encode(*load(hello().metadata("gpt-2")), "e\xCC\x81"), (Ids{'e', 0xCC, 0x81}));
}

TEST(GgufBpe, IgnoreMergesTakesWholeWords) {
  // "abc" is a token that no merges reach: abc 258 from ab 256 and bc 257 is made by "a bc" of rank
  // 2, but "a b" comes first.
  const SmallBpe bpe{.merges = {"a b", "b c", "a bc"}, .extra = {}};
  EXPECT_EQ(encode(*load(bpe.metadata("llama-bpe")), "abc"), Ids{258});
  EXPECT_EQ(encode(*load(bpe.metadata("qwen2")), "abc"), (Ids{256, 'c'}));
}

TEST(GgufBpe, UserDefinedTokensAreAlwaysCutControlTokensOnlyWhenAsked) {
  const auto t = load(hello().metadata("gpt-2"));
  const std::string text = "a<think><|eot_id|>";
  Ids plain = {'a', kThink};
  for (const char c : std::string("<|eot_id|>")) plain.push_back(c);
  EXPECT_EQ(encode(*t, text), plain);
  EXPECT_EQ(encode(*t, text, {.add_special = false, .parse_special = true}),
            (Ids{'a', kThink, kEot}));
}

TEST(GgufBpe, ControlTokensAreOnlyCutWhereTheyLieInASpecialRange) {
  const auto t = load(hello().metadata("gpt-2"));
  const std::string eot = "<|eot_id|>";
  const std::string text = eot + eot + eot;
  Ids plain;
  for (const char c : eot) plain.push_back(c);
  const auto with = [&](std::vector<TextRange> ranges) {
    return encode(*t, text, {.add_special = false, .special_ranges = ranges});
  };
  EXPECT_EQ(with({{0, 30}}), (Ids{kEot, kEot, kEot}));
  EXPECT_EQ(with({}), encode(*t, text));
  Ids middle = plain;
  middle.push_back(kEot);
  middle.insert(middle.end(), plain.begin(), plain.end());
  EXPECT_EQ(with({{10, 20}}), middle);
  EXPECT_EQ(with({{9, 21}}), middle);
  // A byte less is none.
  EXPECT_EQ(with({{11, 20}}), encode(*t, text));
  EXPECT_EQ(with({{10, 19}}), encode(*t, text));
  // Borders within a token, though both sides are special.
  EXPECT_EQ(with({{10, 15}, {15, 20}}), encode(*t, text));
  Ids ends = {kEot};
  ends.insert(ends.end(), plain.begin(), plain.end());
  ends.push_back(kEot);
  EXPECT_EQ(with({{0, 10}, {20, 30}}), ends);
}

TEST(GgufBpe, SpecialRangesDoNotCutWords) {
  const auto t = load(hello().metadata("llama-bpe"));
  const std::string text = "say hello there<|eot_id|>";
  for (size_t begin = 0; begin < 15; ++begin) {
    const std::vector<TextRange> ranges = {{begin, text.size()}};
    EXPECT_EQ(encode(*t, text, {.add_special = false, .special_ranges = ranges}),
              encode(*t, text, {.add_special = false, .parse_special = true}));
  }
}

TEST(GgufBpe, SpecialRangesOutOfOrderAreRefused) {
  const auto t = load(hello().metadata("gpt-2"));
  for (const std::vector<TextRange>& ranges :
       {std::vector<TextRange>{{0, 4}}, {{1, 1}}, {{2, 1}}, {{1, 2}, {0, 1}}, {{0, 2}, {1, 3}}}) {
    const auto ids = t->encode("abc", {.special_ranges = ranges});
    ASSERT_FALSE(ids.has_value());
    EXPECT_EQ(ids.error().code, ErrorCode::kUsage);
  }
}

TEST(GgufBpe, WordsNeverBecomeControlTokens) {
  // A hostile or careless file: a merge whose result is a control token, and ignore_merges.
  SmallBpe bpe{.merges = {"a b"}, .extra = {{"xyz", 3}}};
  std::vector<int32_t> types = bpe.types();
  types[256] = 3;
  MetadataBuilder metadata;
  metadata.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "llama-bpe");
  metadata.texts("tokenizer.ggml.tokens", bpe.tokens()).ints("tokenizer.ggml.token_type", types);
  metadata.texts("tokenizer.ggml.merges", bpe.merges);
  const auto t = load(metadata);
  ASSERT_TRUE(t);
  EXPECT_EQ(encode(*t, "ab"), (Ids{'a', 'b'}));
  EXPECT_EQ(encode(*t, "xyz"), (Ids{'x', 'y', 'z'}));
}

TEST(GgufBpe, BosByPreTokenizerKeyAndText) {
  MetadataBuilder metadata = hello().metadata("llama-bpe");
  metadata.number("tokenizer.ggml.bos_token_id", kBos).number("tokenizer.ggml.eos_token_id", kEot);
  const auto t = load(metadata);
  EXPECT_TRUE(t->special().add_bos);
  EXPECT_EQ(encode(*t, "a", {}), (Ids{kBos, 'a'}));
  // A template that writes BOS itself gets no second one.
  EXPECT_EQ(encode(*t, "<|begin_of_text|>a", {.add_special = true, .parse_special = true}),
            (Ids{kBos, 'a'}));

  MetadataBuilder off = hello().metadata("llama-bpe");
  off.number("tokenizer.ggml.bos_token_id", kBos).flag("tokenizer.ggml.add_bos_token", false);
  EXPECT_EQ(encode(*load(off), "a", {}), Ids{'a'});

  MetadataBuilder both = hello().metadata("qwen2");
  both.number("tokenizer.ggml.bos_token_id", kBos).number("tokenizer.ggml.eos_token_id", kEot);
  both.flag("tokenizer.ggml.add_bos_token", true).flag("tokenizer.ggml.add_eos_token", true);
  EXPECT_EQ(encode(*load(both), "a", {}), (Ids{kBos, 'a', kEot}));
}

TEST(GgufBpe, ABosThatIsEosIsNotAddedUnasked) {
  MetadataBuilder metadata = hello().metadata("llama-bpe");
  metadata.number("tokenizer.ggml.bos_token_id", kBos).number("tokenizer.ggml.eos_token_id", kBos);
  EXPECT_FALSE(load(metadata)->special().add_bos);
  metadata.flag("tokenizer.ggml.add_bos_token", true);
  EXPECT_TRUE(load(metadata)->special().add_bos);
}

TEST(GgufBpe, TheFormatsDefaultOfElevenNeedsAControlToken) {
  Notes notes;
  const auto t = load(hello().metadata("gpt-2"), notes.sink());
  EXPECT_FALSE(t->special().bos);
  EXPECT_FALSE(t->special().eos);
  EXPECT_TRUE(notes.mention("tokenizer.ggml.eos_token_id"));

  SmallBpe falcon = hello();
  std::vector<std::string> tokens = falcon.tokens();
  std::vector<int32_t> types = falcon.types();
  tokens[11] = "<|endoftext|>";
  types[11] = 3;
  MetadataBuilder metadata;
  metadata.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "falcon");
  metadata.texts("tokenizer.ggml.tokens", tokens).ints("tokenizer.ggml.token_type", types);
  metadata.texts("tokenizer.ggml.merges", falcon.merges);
  const auto f = load(metadata);
  EXPECT_EQ(f->special().bos, 11);
  EXPECT_EQ(f->special().eos, 11);
  EXPECT_FALSE(f->special().add_bos);
  EXPECT_TRUE(f->is_end_of_generation(11));
}

TEST(GgufBpe, EndOfGenerationBySpelling) {
  SmallBpe bpe = hello();
  // Forgotten by the converter: of type normal and user-defined.
  bpe.extra.push_back({"<|im_end|>", 1});
  bpe.extra.push_back({"<end_of_turn>", 4});
  MetadataBuilder metadata = bpe.metadata("qwen2");
  metadata.number("tokenizer.ggml.eos_token_id", kThink);
  const auto t = load(metadata);
  EXPECT_EQ(Ids(t->end_of_generation().begin(), t->end_of_generation().end()),
            (Ids{kEot, kThink, 266, 267}));
  EXPECT_EQ(t->special().eot, kEot);
  for (const TokenId id : {kEot, 266, 267}) EXPECT_TRUE(t->is_control(id)) << id;
  EXPECT_EQ(encode(*t, "<|im_end|>").size(), 10u);
  EXPECT_EQ(t->decode(Ids{'a', 266}), "a");
}

TEST(GgufBpe, AWordThatMergesMakeEndsNothing) {
  const auto t = load(SmallBpe{.merges = {"< /", "</ s", "</s >"}, .extra = {}}.metadata("gpt-2"));
  EXPECT_EQ(t->find_token("</s>"), 258);
  EXPECT_FALSE(t->is_end_of_generation(258));
  EXPECT_FALSE(t->is_control(258));
}

// A vocabulary of the size of Llama 3's.
SmallBpe llama3_sized() {
  SmallBpe bpe{.merges = {"1 2", "12 3", "123 4"}, .extra = {}};
  for (int i = 0; bpe.extra.size() < 128256 - 256 - 3; ++i) {
    bpe.extra.push_back({"[unused " + std::to_string(i) + "]", 5});
  }
  return bpe;
}

TEST(GgufBpe, WithoutPreALlama3SizedVocabularyIsBitNet2B) {
  Notes notes;
  const auto t = load(llama3_sized().metadata(std::nullopt), notes.sink());
  ASSERT_TRUE(t);
  EXPECT_EQ(t->pre_tokenizer(), "llama-bpe");
  EXPECT_TRUE(notes.mention("llama-bpe"));
  EXPECT_TRUE(t->is_end_of_generation(128009));
  EXPECT_EQ(encode(*t, "1234"), (Ids{257, '4'}));
}

TEST(GgufBpe, WithoutPreOthersGetTheDefaultRule) {
  Notes notes;
  const auto t = load(hello().metadata(std::nullopt), notes.sink());
  EXPECT_EQ(t->pre_tokenizer(), "default");
  EXPECT_TRUE(notes.mention("default"));
}

TEST(GgufBpe, TheDoubtAboutFalconEIsTold) {
  Notes notes;
  load(hello().metadata("falcon_e"), notes.sink());
  EXPECT_TRUE(notes.mention("falcon_e"));
}

TEST(GgufBpe, AddSpacePrefix) {
  MetadataBuilder metadata = hello().metadata("gpt-2");
  metadata.flag("tokenizer.ggml.add_space_prefix", true);
  EXPECT_EQ(encode(*load(metadata), "hello"), Ids{260});
}

TEST(GgufBpe, BytesWithoutATokenAreReplacedOrRefused) {
  // Without the token of byte FF, invalid bytes become U+FFFD.
  SmallBpe bpe = hello();
  std::vector<std::string> tokens = bpe.tokens();
  tokens[0xFF] = "something else";
  tokens['q'] = "\xE4\xB8\xAD";
  MetadataBuilder metadata;
  metadata.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "gpt-2");
  metadata.texts("tokenizer.ggml.tokens", tokens).texts("tokenizer.ggml.merges", bpe.merges);
  const auto t = load(metadata);
  EXPECT_EQ(encode(*t, "\xFE"), (Ids{0xEF, 0xBF, 0xBD}));
  const auto refused = t->encode("q", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  MetadataBuilder with_unknown = metadata;
  with_unknown.number("tokenizer.ggml.unknown_token_id", 7);
  EXPECT_EQ(encode(*load(with_unknown), "qq"), (Ids{7, 7}));
}

TEST(GgufBpeErrors, MetadataThatIsMissing) {
  expect_error(MetadataBuilder(), ErrorCode::kCorrupt, "tokenizer.ggml.model");
  MetadataBuilder no_tokens;
  no_tokens.text("tokenizer.ggml.model", "gpt2");
  expect_error(no_tokens, ErrorCode::kCorrupt, "tokenizer.ggml.tokens");
  no_tokens.texts("tokenizer.ggml.tokens", {"a"});
  expect_error(no_tokens, ErrorCode::kCorrupt, "tokenizer.ggml.merges");
  MetadataBuilder empty;
  empty.text("tokenizer.ggml.model", "gpt2").texts("tokenizer.ggml.tokens", {});
  expect_error(empty, ErrorCode::kCorrupt, "tokenizer.ggml.tokens");
}

TEST(GgufBpeErrors, WhatIsNotSupportedIsNamed) {
  MetadataBuilder wordpiece;
  wordpiece.text("tokenizer.ggml.model", "bert");
  expect_error(wordpiece, ErrorCode::kUnsupported, "bert");
  const auto result = tokenizer_from_gguf(hello().metadata("deepseek\x1B").get(), {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(result.error().message.find("llama-bpe"), std::string::npos);
  EXPECT_EQ(result.error().message.find('\x1B'), std::string::npos);
}

TEST(GgufBpeErrors, Merges) {
  for (const char* merge : {"", "ab", "a", " ", "a ", " a", "a  "}) {
    SmallBpe bpe;
    MetadataBuilder metadata;
    metadata.text("tokenizer.ggml.model", "gpt2").texts("tokenizer.ggml.tokens", bpe.tokens());
    metadata.texts("tokenizer.ggml.merges", {merge});
    expect_error(metadata, ErrorCode::kCorrupt, "tokenizer.ggml.merges");
  }
  for (const char* merge : {"a b", "a xyz", "xyz a"}) {
    SmallBpe bpe;
    MetadataBuilder metadata;
    metadata.text("tokenizer.ggml.model", "gpt2").texts("tokenizer.ggml.tokens", bpe.tokens());
    metadata.texts("tokenizer.ggml.merges", {merge});
    expect_error(metadata, ErrorCode::kCorrupt, "tokenizer.ggml.merges: merge 0");
  }
}

TEST(GgufBpeErrors, Tokens) {
  SmallBpe twice{.merges = {}, .extra = {{"a", 1}}};
  expect_error(twice.metadata("gpt-2"), ErrorCode::kCorrupt, "tokenizer.ggml.tokens");
  SmallBpe bad_type{.merges = {}, .extra = {{"ab", 9}}};
  expect_error(bad_type.metadata("gpt-2"), ErrorCode::kCorrupt, "tokenizer.ggml.token_type");
  SmallBpe bad_byte{.merges = {}, .extra = {{"<0xZZ>", 6}}};
  expect_error(bad_byte.metadata("gpt-2"), ErrorCode::kCorrupt, "byte token");
  SmallBpe bpe;
  MetadataBuilder lengths;
  lengths.text("tokenizer.ggml.model", "gpt2").texts("tokenizer.ggml.tokens", bpe.tokens());
  lengths.texts("tokenizer.ggml.merges", {}).ints("tokenizer.ggml.token_type", {1, 1});
  expect_error(lengths, ErrorCode::kCorrupt, "tokenizer.ggml.token_type");
}

TEST(GgufBpeErrors, SpecialIdsOutOfRange) {
  for (const char* key : {"bos_token_id", "eos_token_id", "eot_token_id", "eom_token_id",
                          "unknown_token_id", "padding_token_id", "seperator_token_id"}) {
    MetadataBuilder metadata = hello().metadata("gpt-2");
    metadata.number(std::string("tokenizer.ggml.") + key, 266);
    expect_error(metadata, ErrorCode::kCorrupt, key);
  }
  MetadataBuilder no_bos = hello().metadata("gpt-2");
  no_bos.flag("tokenizer.ggml.add_bos_token", true);
  expect_error(no_bos, ErrorCode::kCorrupt, "tokenizer.ggml.bos_token_id");
  MetadataBuilder no_eos = hello().metadata("gpt-2");
  no_eos.flag("tokenizer.ggml.add_eos_token", true);
  expect_error(no_eos, ErrorCode::kCorrupt, "tokenizer.ggml.eos_token_id");
}

}  // namespace
}  // namespace tern
