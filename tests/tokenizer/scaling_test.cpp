// A megabyte of one thing: inputs on which a quadratic step somewhere would take hours, far beyond
// the time a test may take. What comes out is compared with what the structure of the input
// demands.
#include <gtest/gtest.h>

#include "tokenizer/from_gguf.h"
#include "tokenizer/hf_tokenizer.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/tokenizer_test_util.h"

namespace tern {
namespace {

using test::encode;

constexpr size_t kMegabyte = 1'000'000;

std::string repeated(std::string_view unit) {
  std::string text;
  while (text.size() < kMegabyte) text += unit;
  return text;
}

const std::vector<std::string>& units() {
  static const std::vector<std::string> units = {"a",
                                                 " ",
                                                 "\n",
                                                 "\t",
                                                 "1",
                                                 "'",
                                                 "!",
                                                 "\xF0\x9F\x98\x80",
                                                 "\xC3\xA9",
                                                 "\xE4\xB8\xAD",
                                                 "a ",
                                                 " \n",
                                                 "\n ",
                                                 "\r\n",
                                                 " !",
                                                 "'s",
                                                 "\xCC\x96\xCC\x81",
                                                 "e\xCC\x81",
                                                 "\xFF",
                                                 "\xE4\xB8",
                                                 "<|x|",
                                                 "<t>",
                                                 "ab1 "};
  return units;
}

// Doubling merges of 'a' and of the space, as real vocabularies have them: a word of n letters
// takes about n merges in log n rounds.
test::SmallBpe doubling() {
  test::SmallBpe bpe;
  const std::string space = "\xC4\xA0";
  for (const std::string& unit : {std::string("a"), space}) {
    std::string run = unit;
    for (int i = 0; i < 6; ++i) {
      bpe.merges.push_back(run + " " + run);
      run += run;
    }
  }
  bpe.extra = {{"<|x|>", 3}, {"<t>", 4}, {"<t>a", 4}};
  return bpe;
}

void expect_round_trip(const Tokenizer& tokenizer, const std::vector<std::string>& of,
                       bool normalises) {
  for (const std::string& unit : of) {
    const std::string text = repeated(unit);
    const EncodeOptions options{.add_special = false, .parse_special = unit.front() == '<'};
    std::string bytes;
    for (const TokenId id : encode(tokenizer, text, options)) bytes += tokenizer.token_bytes(id);
    EXPECT_TRUE(bytes == (normalises ? nfc(text) : text))
        << "unit " << testing::PrintToString(unit);
  }
}

class ScalingByPre : public testing::TestWithParam<const char*> {};

TEST_P(ScalingByPre, AMegabyteOfOneThing) {
  const auto tokenizer = tokenizer_from_gguf(doubling().metadata(GetParam()).get(), {});
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  const std::string_view pre = GetParam();
  const bool normalises = pre == "qwen2" || pre == "qwen35";
  // The rules share most of their code: all units for two of them, what differs for the others.
  const std::vector<std::string> few = {"a", " ", "1", "!", " \n"};
  expect_round_trip(**tokenizer, pre == "llama-bpe" || pre == "qwen2" ? units() : few, normalises);
}

INSTANTIATE_TEST_SUITE_P(PreTokenizers, ScalingByPre,
                         testing::Values("llama-bpe", "qwen2", "qwen35", "falcon", "falcon_e",
                                         "gpt-2", "default"),
                         [](const auto& row) {
                           std::string name = row.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST(Scaling, OneLetterBecomesTheLongestTokens) {
  const auto tokenizer = tokenizer_from_gguf(doubling().metadata("gpt-2").get(), {});
  ASSERT_TRUE(tokenizer);
  const TokenId longest = 256 + 5;  // 64 letters
  EXPECT_EQ(encode(**tokenizer, std::string(size_t{64} * 15625, 'a')),
            std::vector<TokenId>(15625, longest));
}

TEST(Scaling, SentencePieceWithAndWithoutWords) {
  std::vector<std::string> texts = {"<unk>", "<s>", "</s>", "\xE2\x96\x81", "a", "aa", "aaaa"};
  std::vector<float> scores = {0, 0, 0, -10, -11, -1, -2};
  std::vector<int32_t> types = {2, 3, 3, 1, 1, 1, 1};
  const std::string m = "\xE2\x96\x81";
  // The last token stands in the way of cutting at words.
  for (const std::string& last : {m + m, "a" + m + "a"}) {
    texts.push_back(last);
    scores.push_back(-3);
    types.push_back(1);
    for (int byte = 0; byte < 256; ++byte) {
      char text[8];
      std::snprintf(text, sizeof text, "<0x%02X>", static_cast<unsigned>(byte));
      if (texts.size() < 264 + 1) {
        texts.push_back(text);
        scores.push_back(0);
        types.push_back(6);
      }
    }
    test::MetadataBuilder metadata;
    metadata.text("tokenizer.ggml.model", "llama").texts("tokenizer.ggml.tokens", texts);
    metadata.floats("tokenizer.ggml.scores", scores).ints("tokenizer.ggml.token_type", types);
    metadata.flag("tokenizer.ggml.add_space_prefix", false);
    const auto tokenizer = tokenizer_from_gguf(metadata.get(), {});
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    expect_round_trip(**tokenizer,
                      last.front() == 'a' ? std::vector<std::string>{"a", " ", "a ", "z"} : units(),
                      false);
  }
}

TEST(Scaling, RegexesOfTokenizerJson) {
  // Not among the hand-written ones (the last two branches are swapped), so PCRE2 does it.
  const std::string json =
      R"({"pre_tokenizer": {"type": "Split", "pattern": {"Regex":)"
      R"("[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s"},)"
      R"("behavior": "Isolated", "invert": false}, "model": {"type": "BPE", "unk_token": "?", "vocab": {"?": 0, "a": 1}, "merges": []}})";
  const auto tokenizer = tokenizer_from_json(json, "t.json");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  for (const std::string& unit : units()) {
    const std::string text = repeated(unit);
    const auto ids = (*tokenizer)->encode(text, {});
    ASSERT_TRUE(ids) << testing::PrintToString(unit) << ids.error().message;
    if (unit == "a") {
      EXPECT_EQ(*ids, std::vector<TokenId>(text.size(), 1));
    }
  }
}

TEST(Scaling, ManyOverlappingAddedTokens) {
  test::SmallBpe bpe;
  for (size_t n = 2; n <= 40; ++n) bpe.extra.push_back({std::string(n, ' '), 4});
  const auto tokenizer = tokenizer_from_gguf(bpe.metadata("gpt-2").get(), {});
  ASSERT_TRUE(tokenizer);
  const TokenId longest = 256 + 38;
  EXPECT_EQ(encode(**tokenizer, std::string(kMegabyte, ' ')),
            std::vector<TokenId>(kMegabyte / 40, longest));
}

}  // namespace
}  // namespace tern
