// Vocabularies of real models: known ids and round trips. The data are not part of the repository;
// the tests skip where they are absent.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "tokenizer/normalizer.h"
#include "tokenizer/tokenizer_test_util.h"
#include "tokenizer/utf8.h"

namespace tern {
namespace {

using test::encode;
using test::load_cached;
using test::read_file;

struct Vector {
  std::string text;
  std::vector<TokenId> ids;
};

std::vector<Vector> llama_bpe_vectors(const std::string& base) {
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::string texts = read_file(base + ".inp");
  std::istringstream lines(read_file(base + ".out"));
  std::vector<Vector> vectors;
  std::string line;
  for (size_t pos = 0; std::getline(lines, line);) {
    const size_t end = texts.find(separator, pos);
    Vector vector{texts.substr(pos, end == std::string::npos ? end : end - pos), {}};
    pos = end == std::string::npos ? texts.size() : end + separator.size();
    std::istringstream numbers(line);
    for (TokenId id = 0; numbers >> id;) vector.ids.push_back(id);
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

void expect_llama_bpe_vectors(const std::string& tokenizer_path, const std::string& base) {
  const auto tokenizer = load_cached(tokenizer_path);
  ASSERT_TRUE(tokenizer);
  const std::vector<Vector> vectors = llama_bpe_vectors(base);
  ASSERT_EQ(vectors.size(), 46u);
  for (const Vector& vector : vectors) {
    EXPECT_EQ(encode(*tokenizer, vector.text), vector.ids) << "text: [" << vector.text << "]";
    EXPECT_EQ(tokenizer->decode(vector.ids), vector.text);
  }
}

constexpr const char* kVectors = "data/tokenizer/llama-bpe/ggml-vocab-llama-bpe.gguf";

TEST(Llama3Vocabulary, TokenizerJsonGivesTheKnownIds) {
  SKIP_WITHOUT(inputs, std::string(kVectors) + ".inp");
  SKIP_WITHOUT(path, "data/tokenizer/llama3/tokenizer.json");
  expect_llama_bpe_vectors(*path, inputs->substr(0, inputs->size() - 4));
}

TEST(Llama3Vocabulary, TiktokenFileGivesTheKnownIds) {
  SKIP_WITHOUT(inputs, std::string(kVectors) + ".inp");
  SKIP_WITHOUT(path, "data/tokenizer/llama3/tokenizer.model");
  expect_llama_bpe_vectors(*path, inputs->substr(0, inputs->size() - 4));
}

TEST(Llama3Vocabulary, BothFormsAgree) {
  SKIP_WITHOUT(folder, "data/tokenizer/llama3");
  SKIP_WITHOUT(corpus, "data/corpus/wikitext-2-test-lf.txt");
  const auto json = load_cached(*folder + "/tokenizer.json");
  const auto ranks = load_cached(*folder + "/tokenizer.model");
  ASSERT_TRUE(json && ranks);
  EXPECT_EQ(json->n_vocab(), 128256);
  EXPECT_EQ(ranks->n_vocab(), 128256);
  for (TokenId id = 0; id < json->n_vocab(); ++id) {
    ASSERT_EQ(json->token_text(id), ranks->token_text(id)) << id;
    ASSERT_EQ(json->is_control(id), ranks->is_control(id)) << id;
  }
  const std::string text = read_file(*corpus).substr(0, 200000);
  EXPECT_EQ(encode(*json, text), encode(*ranks, text));
  std::mt19937 random(test::test_seed());
  for (int i = 0; i < 300; ++i) {
    const std::string sample = test::random_text(random, 30, i % 3 == 0);
    ASSERT_EQ(encode(*json, sample), encode(*ranks, sample)) << sample;
  }
}

TEST(Llama3Vocabulary, TheBareTiktokenFileKnowsItsSpecialTokens) {
  SKIP_WITHOUT(path, "data/tokenizer/llama3/tokenizer.model");
  // Alone in a folder, as BitNet-b1.58-2B-4T has it.
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / "tern_tokenizer_bare_tiktoken";
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(*path, folder / "tokenizer.model",
                             std::filesystem::copy_options::overwrite_existing);
  const auto tokenizer = load_cached(folder.string());
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->n_vocab(), 128256);
  EXPECT_EQ(tokenizer->special().bos, 128000);
  EXPECT_EQ(tokenizer->special().eos, 128001);
  EXPECT_EQ(tokenizer->special().eot, 128009);
  EXPECT_TRUE(tokenizer->special().add_bos);
  EXPECT_EQ(tokenizer->token_text(128006), "<|start_header_id|>");
  EXPECT_EQ(tokenizer->token_text(128255), "<|reserved_special_token_250|>");
  EXPECT_TRUE(tokenizer->is_end_of_generation(128001));
  EXPECT_TRUE(tokenizer->is_end_of_generation(128009));
  EXPECT_EQ(encode(*tokenizer, "Hello world", {}), (std::vector<TokenId>{128000, 9906, 1917}));
}

TEST(Llama3Vocabulary, ControlTokensNeedParseSpecial) {
  SKIP_WITHOUT(path, "data/tokenizer/llama3/tokenizer.json");
  const auto tokenizer = load_cached(*path);
  ASSERT_TRUE(tokenizer);
  const std::string text = "<|eot_id|>";
  EXPECT_EQ(encode(*tokenizer, text, {.add_special = false, .parse_special = true}),
            std::vector<TokenId>{128009});
  const std::vector<TokenId> plain = encode(*tokenizer, text);
  EXPECT_GT(plain.size(), 1u);
  for (const TokenId id : plain) EXPECT_FALSE(tokenizer->is_control(id));
  EXPECT_EQ(tokenizer->decode(plain), text);
}

TEST(Qwen3Vocabulary, KnownIdsAndSpecialTokens) {
  SKIP_WITHOUT(folder, "data/tokenizer/qwen3");
  const auto tokenizer = load_cached(*folder);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->n_vocab(), 151669);
  EXPECT_FALSE(tokenizer->special().bos.has_value());
  EXPECT_EQ(tokenizer->special().eos, 151645);
  EXPECT_FALSE(tokenizer->special().add_bos);
  EXPECT_TRUE(tokenizer->is_end_of_generation(151643));
  EXPECT_TRUE(tokenizer->is_end_of_generation(151645));
  // An ordinary word that merges make, not the end of anything.
  EXPECT_FALSE(tokenizer->is_end_of_generation(128247));
  EXPECT_EQ(encode(*tokenizer, "Hello world", {}), (std::vector<TokenId>{9707, 1879}));
  // Digits one by one.
  EXPECT_EQ(encode(*tokenizer, "1234").size(), 4u);
  // <think> is an added token that is not special: always cut out.
  EXPECT_EQ(encode(*tokenizer, "<think>"), std::vector<TokenId>{151667});
  EXPECT_EQ(tokenizer->token_bytes(151667), "<think>");
  EXPECT_EQ(tokenizer->token_bytes(151645), "");
  EXPECT_EQ(tokenizer->token_bytes(151645, true), "<|im_end|>");
}

TEST(Qwen3Vocabulary, DecodingGivesTheNormalisedText) {
  SKIP_WITHOUT(folder, "data/tokenizer/qwen3");
  const auto tokenizer = load_cached(*folder);
  ASSERT_TRUE(tokenizer);
  std::mt19937 random(test::test_seed());
  for (int i = 0; i < 500; ++i) {
    const std::string text = test::random_text(random, 40, false);
    ASSERT_EQ(tokenizer->decode(encode(*tokenizer, text)), nfc(text)) << text;
  }
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (int n = 0; n < 60; ++n) {
      const uint32_t c = static_cast<uint32_t>(random()) % 0x110000;
      if (c < 0xD800 || c > 0xDFFF) append_utf8(c, text);
    }
    ASSERT_EQ(tokenizer->decode(encode(*tokenizer, text)), nfc(text));
  }
}

TEST(Qwen3Vocabulary, CorporaSurviveTheRoundTrip) {
  SKIP_WITHOUT(folder, "data/tokenizer/qwen3");
  const auto tokenizer = load_cached(*folder);
  ASSERT_TRUE(tokenizer);
  for (const char* name : {"data/corpus/wikitext-2-test-lf.txt", "data/corpus/tinyshakespeare.txt",
                           "data/tokenizer/llama-bpe/ggml-vocab-llama-bpe.gguf.inp"}) {
    SKIP_WITHOUT(path, name);
    const std::string text = read_file(*path);
    EXPECT_TRUE(tokenizer->decode(encode(*tokenizer, text)) == nfc(text)) << name;
  }
}

TEST(Llama2Vocabulary, KnownIds) {
  SKIP_WITHOUT(path, "data/tokenizer/llama2-spm/tokenizer.model");
  const auto tokenizer = load_cached(*path);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->kind(), "SPM");
  EXPECT_EQ(tokenizer->n_vocab(), 32000);
  EXPECT_EQ(tokenizer->special().bos, 1);
  EXPECT_EQ(tokenizer->special().eos, 2);
  EXPECT_EQ(tokenizer->special().unk, 0);
  EXPECT_EQ(encode(*tokenizer, "Hello world", {}), (std::vector<TokenId>{1, 15043, 3186}));
  // A character without a token goes out as its bytes: U+1F999 is F0 9F A6 99.
  EXPECT_EQ(encode(*tokenizer, "\xF0\x9F\xA6\x99"),
            (std::vector<TokenId>{29871, 0xF0 + 3, 0x9F + 3, 0xA6 + 3, 0x99 + 3}));
  EXPECT_EQ(encode(*tokenizer, "\xFF"), (std::vector<TokenId>{29871, 0xFF + 3}));
  // Control tokens cannot be typed.
  EXPECT_EQ(encode(*tokenizer, "</s>"), (std::vector<TokenId>{1533, 29879, 29958}));
  EXPECT_EQ(encode(*tokenizer, "</s>", {.add_special = false, .parse_special = true}),
            std::vector<TokenId>{2});
}

TEST(Llama2Vocabulary, CorporaSurviveTheRoundTrip) {
  SKIP_WITHOUT(path, "data/tokenizer/llama2-spm/tokenizer.model");
  SKIP_WITHOUT(corpus, "data/corpus/wikitext-2-test-lf.txt");
  const auto tokenizer = load_cached(*path);
  ASSERT_TRUE(tokenizer);
  const std::string text = read_file(*corpus);
  EXPECT_TRUE(tokenizer->decode(encode(*tokenizer, text)) == text);
  std::mt19937 random(test::test_seed());
  for (int i = 0; i < 300; ++i) {
    const std::string sample = test::random_text(random, 30, false);
    ASSERT_EQ(tokenizer->decode(encode(*tokenizer, sample)), sample);
  }
}

TEST(Stories260KVocabulary, GgufSpmEncodesTheGoldenText) {
  SKIP_WITHOUT(path, "data/model/stories260K/stories260K-f32.gguf");
  SKIP_WITHOUT(golden, "data/model/stories260K/golden-greedy-200.txt");
  const auto tokenizer = load_cached(*path);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->kind(), "SPM");
  EXPECT_EQ(tokenizer->n_vocab(), 512);
  EXPECT_TRUE(tokenizer->special().add_bos);
  const std::string text = read_file(*golden);
  const std::vector<TokenId> ids = encode(*tokenizer, text, {});
  EXPECT_EQ(ids.front(), 1);
  EXPECT_EQ(tokenizer->decode(ids), text);
  // Far fewer tokens than bytes: words were joined.
  EXPECT_LT(ids.size(), text.size() / 2);
}

TEST(DemoVocabulary, TokenizerJsonAndGgufAgree) {
  SKIP_WITHOUT(json_path, "demo-model/tokenizer.json");
  SKIP_WITHOUT(gguf_path, "demo-model/demo-i2_s.gguf");
  SKIP_WITHOUT(text_path, "demo-model/valid.txt");
  const auto json = load_cached(*json_path);
  const auto gguf = load_cached(*gguf_path);
  ASSERT_TRUE(json && gguf);
  ASSERT_EQ(json->n_vocab(), gguf->n_vocab());
  for (TokenId id = 0; id < json->n_vocab(); ++id) {
    ASSERT_EQ(json->token_text(id), gguf->token_text(id)) << id;
    ASSERT_EQ(json->is_control(id), gguf->is_control(id)) << id;
    ASSERT_EQ(json->token_bytes(id), gguf->token_bytes(id)) << id;
  }
  EXPECT_EQ(gguf->special().bos, 4093);
  EXPECT_EQ(gguf->special().eos, 4094);
  EXPECT_EQ(gguf->special().eot, 4095);
  EXPECT_TRUE(gguf->special().add_bos);
  EXPECT_EQ(json->special().bos, 4093);
  EXPECT_EQ(json->special().eos, 4094);
  EXPECT_EQ(json->special().eot, 4095);
  const std::string text = read_file(*text_path);
  for (const bool parse_special : {false, true}) {
    const EncodeOptions options{.add_special = false, .parse_special = parse_special};
    const std::vector<TokenId> ids = encode(*gguf, text, options);
    EXPECT_TRUE(ids == encode(*json, text, options));
    EXPECT_TRUE(gguf->decode(ids, true) == text);
  }
}

}  // namespace
}  // namespace tern
