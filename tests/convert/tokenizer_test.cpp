// Real tokenizers from Hugging Face files to GGUF keys and back: the same ids.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gguf/reader.h"
#include "tern/tokenizer.h"
#include "tokenizer/from_gguf.h"
#include "tokenizer/to_gguf.h"

namespace tern {
namespace {

namespace fs = std::filesystem;

std::string shared(const std::string& path) {
  return std::string(TERN_SHARED_DIR) + "/data/tokenizer/" + path;
}

std::string slurp(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::shared_ptr<const Tokenizer> through_gguf(const std::string& folder, uint64_t n_rows,
                                              const std::string& description) {
  gguf::Metadata metadata;
  const auto written = tokenizer_to_gguf(folder, n_rows, {}, &metadata);
  if (!written) {
    ADD_FAILURE() << written.error().message;
    return nullptr;
  }
  EXPECT_EQ(written->description, description);
  const auto tokenizer = tokenizer_from_gguf(metadata, {});
  if (!tokenizer) {
    ADD_FAILURE() << tokenizer.error().message;
    return nullptr;
  }
  EXPECT_EQ((*tokenizer)->n_vocab(), static_cast<TokenId>(n_rows));
  return *tokenizer;
}

void expect_same_ids(const Tokenizer& a, const Tokenizer& b, const std::string& text) {
  const auto x = a.encode(text), y = b.encode(text);
  ASSERT_TRUE(x && y);
  EXPECT_EQ(*x, *y);
}

TEST(TokenizerToGguf, Llama3KeepsItsIdsAndStillGivesTheVectors) {
  if (!fs::exists(shared("llama3/tokenizer.json"))) GTEST_SKIP() << "no shared data";
  const auto tokenizer =
      through_gguf(shared("llama3"), 128256, "BPE, split llama-bpe, 128256 tokens");
  ASSERT_NE(tokenizer, nullptr);
  const auto original = Tokenizer::from_path(shared("llama3"));
  ASSERT_TRUE(original) << original.error().message;
  EXPECT_EQ(tokenizer->special().bos, (*original)->special().bos);
  EXPECT_EQ(tokenizer->special().add_bos, (*original)->special().add_bos);
  expect_same_ids(**original, *tokenizer,
                  slurp(std::string(TERN_SHARED_DIR) + "/data/corpus/tinyshakespeare.txt"));
  // The vectors: texts parted by a line of their own, ids a line each.
  const std::string texts = slurp(shared("llama-bpe/ggml-vocab-llama-bpe.gguf.inp"));
  std::istringstream ids(slurp(shared("llama-bpe/ggml-vocab-llama-bpe.gguf.out")));
  constexpr const char* kSeparator = "\n__ggml_vocab_test__\n";
  size_t n_vectors = 0;
  for (size_t at = 0; at <= texts.size();) {
    size_t end = texts.find(kSeparator, at);
    if (end == std::string::npos) end = texts.size();
    std::string line;
    if (!std::getline(ids, line)) break;
    std::istringstream numbers(line);
    std::vector<TokenId> expected;
    for (TokenId id = 0; numbers >> id;) expected.push_back(id);
    const auto found = tokenizer->encode(texts.substr(at, end - at),
                                         {.add_special = false, .parse_special = false});
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, expected) << "vector " << n_vectors;
    ++n_vectors;
    at = end + std::string(kSeparator).size();
  }
  EXPECT_GT(n_vectors, 40u);
}

TEST(TokenizerToGguf, Qwen3KeepsItsIdsAndFillsTheRowsOfItsEmbedding) {
  if (!fs::exists(shared("qwen3/tokenizer.json"))) GTEST_SKIP() << "no shared data";
  const auto tokenizer = through_gguf(shared("qwen3"), 151936, "BPE, split qwen2, 151669 tokens");
  ASSERT_NE(tokenizer, nullptr);
  const auto original = Tokenizer::from_path(shared("qwen3"));
  ASSERT_TRUE(original) << original.error().message;
  expect_same_ids(**original, *tokenizer,
                  slurp(std::string(TERN_SHARED_DIR) + "/data/corpus/tinyshakespeare.txt"));
  EXPECT_FALSE(tokenizer->special().add_bos);
}

TEST(TokenizerToGguf, Llama2KeepsItsScoresAndIds) {
  if (!fs::exists(shared("llama2-spm/tokenizer.model"))) GTEST_SKIP() << "no shared data";
  // 1bitLLM's embeddings have two rows more than the vocabulary.
  const auto tokenizer = through_gguf(shared("llama2-spm"), 32002, "SPM, 32000 tokens");
  ASSERT_NE(tokenizer, nullptr);
  const auto original = Tokenizer::from_path(shared("llama2-spm"));
  ASSERT_TRUE(original) << original.error().message;
  expect_same_ids(
      **original, *tokenizer,
      slurp(std::string(TERN_SHARED_DIR) + "/data/corpus/tinystories-valid-sample-30K.txt"));
}

TEST(TokenizerToGguf, AFolderWithoutATokenizerSaysSo) {
  gguf::Metadata metadata;
  const auto written = tokenizer_to_gguf(shared("llama-bpe"), 10, {}, &metadata);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace tern
