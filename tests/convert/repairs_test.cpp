// Published files that are known to say something wrong: what is meant is computed at load and
// written by conversion, and both say so.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tern/convert.h"
#include "tests/model/run_model.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace tern::test {
namespace {

using tensor::DType;

constexpr size_t kTokens = 128256;
constexpr TokenId kEndOfTurn = 128009;

std::vector<std::string> texts_with(const std::vector<std::string>& all, const std::string& part) {
  std::vector<std::string> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found),
               [&](const std::string& text) { return text.find(part) != std::string::npos; });
  return found;
}

// What tells the 2B-4T is its vocabulary: as many tokens, though the words are made up.
TinyModel with_llama3_vocabulary(const std::string& name) {
  TinyModel model = TinyModel::named(name);
  std::vector<std::string> tokens = model.strings("tokenizer.ggml.tokens");
  std::vector<int32_t> types(tokens.size(), 1);
  for (const size_t id : {284u, 285u, 286u}) types[id] = 3;
  while (tokens.size() < kTokens) tokens.push_back("word" + std::to_string(tokens.size()));
  types.resize(kTokens, 1);
  model.set("tokenizer.ggml.tokens", tokens).set("tokenizer.ggml.token_type", types);
  const uint64_t k = model.tensor("token_embd.weight").shape[1];
  std::vector<float> rows = model.floats("token_embd.weight");
  rows.resize(kTokens * k, 0.25f);
  model.remove_tensor("token_embd.weight");
  model.add_dense("token_embd.weight", {kTokens, k}, rows, DType::kF16);
  return model;
}

// All that is known to be wrong with files of the 2B-4T, in one.
TinyModel faulty_2b() {
  TinyModel model = with_llama3_vocabulary("bitnet-b1.58");
  model.remove_key("tokenizer.ggml.pre");
  if (model.has_key("tokenizer.ggml.eot_token_id")) model.remove_key("tokenizer.ggml.eot_token_id");
  model.set("tokenizer.chat_template", "{{ 'Human: ' }}{{ '\n\nBITNETAssistant: ' }}");
  for (const char* key :
       {"context_length", "embedding_length", "block_count", "feed_forward_length",
        "attention.head_count", "attention.head_count_kv", "attention.layer_norm_rms_epsilon",
        "rope.dimension_count", "rope.freq_base", "vocab_size", "attention.key_length",
        "attention.value_length"}) {
    const std::string old = std::string("bitnet-b1.58.") + key;
    if (model.has_key(old)) model.rename_key(old, std::string("bitnet.") + key);
  }
  model.set("general.architecture", "bitnet");
  return model;
}

constexpr const char* kFaultsOf2b[] = {"architecture bitnet", "tokenizer.ggml.pre",
                                       "tokenizer.ggml.eot_token_id", "chat template"};

TEST(Repairs, TheFaultsOf2B4TArePutRightAtLoadAndAnnounced) {
  const TempDir folder;
  faulty_2b().write(folder.file("2b.gguf"));
  std::vector<std::string> logged;
  LoadOptions options;
  options.log = [&](LogLevel level, std::string_view text) {
    if (level == LogLevel::kWarning) logged.emplace_back(text);
  };
  const auto model = load_model(folder.file("2b.gguf"), options);
  ASSERT_NE(model, nullptr);
  const auto inspection = inspect_model(folder.file("2b.gguf"));
  ASSERT_TRUE(inspection) << inspection.error().message;
  for (const char* fault : kFaultsOf2b) {
    EXPECT_EQ(texts_with(logged, fault).size(), 1u) << fault;
    EXPECT_EQ(texts_with(model->info().repairs, fault).size(), 1u) << fault;
    EXPECT_EQ(texts_with(inspection->info.repairs, fault).size(), 1u) << fault;
  }
  EXPECT_EQ(model->info().ffn_activation, "squared relu");
  EXPECT_EQ(inspection->pre_tokenizer, "llama-bpe");
  const auto ends = model->tokenizer().end_of_generation();
  EXPECT_NE(std::find(ends.begin(), ends.end(), kEndOfTurn), ends.end());

  with_llama3_vocabulary("bitnet-b1.58")
      .set("tokenizer.ggml.eot_token_id", static_cast<uint32_t>(kEndOfTurn))
      .write(folder.file("right.gguf"));
  logged.clear();
  const auto right = load_model(folder.file("right.gguf"), options);
  ASSERT_NE(right, nullptr);
  EXPECT_TRUE(logged.empty()) << logged.front();
  EXPECT_TRUE(right->info().repairs.empty());
  const auto ids = some_ids(12, 287);
  EXPECT_TRUE(same_bits(all_logits(model, ids), all_logits(right, ids)));
}

TEST(Repairs, TheFaultsOf2B4TArePutRightByConversionAndAnnounced) {
  const TempDir folder;
  faulty_2b().write(folder.file("2b.gguf"));
  ConvertOptions options;
  options.to = "i2_s";
  options.n_threads = 2;
  const auto receipt = convert_model(folder.file("2b.gguf"), folder.file("out.gguf"), options);
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(receipt->architecture, "bitnet-b1.58");
  for (const char* fault : kFaultsOf2b) {
    EXPECT_EQ(texts_with(receipt->repairs, fault).size(), 1u) << fault;
  }
  EXPECT_EQ(receipt->repairs.size(), 4u);
  const auto inspection = inspect_model(folder.file("out.gguf"));
  ASSERT_TRUE(inspection) << inspection.error().message;
  EXPECT_TRUE(inspection->info.repairs.empty()) << inspection->info.repairs.front();
  EXPECT_EQ(inspection->special.eot, kEndOfTurn);
  EXPECT_EQ(inspection->pre_tokenizer, "llama-bpe");
  EXPECT_EQ(inspection->info.chat_template.find("BITNET"), std::string::npos);
  EXPECT_NE(inspection->info.chat_template.find("<|eot_id|>"), std::string::npos);
  const auto again = convert_model(folder.file("out.gguf"), folder.file("again.gguf"), options);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->repairs.empty());
}

TEST(Repairs, ALlama3VocabularyWithoutItsRuleGetsItWhateverTheModel) {
  const TempDir folder;
  TinyModel model = with_llama3_vocabulary("llama");
  model.remove_tensor("output.weight");  // it has a row for each of the words before
  model.remove_key("tokenizer.ggml.pre");
  model.write(folder.file("a.gguf"));
  ConvertOptions options;
  options.to = "i2_s";
  const auto receipt = convert_model(folder.file("a.gguf"), folder.file("out.gguf"), options);
  ASSERT_TRUE(receipt) << receipt.error().message;
  ASSERT_EQ(receipt->repairs.size(), 1u);
  EXPECT_EQ(texts_with(receipt->repairs, "tokenizer.ggml.pre").size(), 1u);
  EXPECT_TRUE(TinyModel::open(folder.file("out.gguf")).has_key("tokenizer.ggml.pre"));
}

TEST(Repairs, LegacyBlocksOf128UnderTheIdOfBlocksOf64AreToldAndWrittenAsWhatTheyAre) {
  const TempDir folder;
  TinyModel legacy = TinyModel::named("qwen3-group128");
  const TinyModel original = legacy;
  const size_t n_linears = legacy.linears().size();
  legacy.recode_linears(DType::kQ2_0_G128);
  ASSERT_EQ(legacy.tensor("blk.0.ffn_up.weight").type_id, 42u);
  legacy.write(folder.file("a.gguf"));
  original.write(folder.file("b.gguf"));
  const std::string told = std::to_string(n_linears) + " tensors of type id 42";
  const auto model = load_model(folder.file("a.gguf"), {});
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(texts_with(model->info().repairs, told).size(), 1u);
  const auto ids = some_ids(12, 287);
  const std::vector<float> expected = all_logits(load_model(folder.file("b.gguf"), {}), ids);
  EXPECT_TRUE(same_bits(all_logits(model, ids), expected));
  for (const char* target : {"q2_0", "pq2_0"}) {
    ConvertOptions options;
    options.to = target;
    options.overwrite = true;
    const auto receipt = convert_model(folder.file("a.gguf"), folder.file("out.gguf"), options);
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(texts_with(receipt->repairs, told).size(), 1u);
    const auto repaired = load_model(folder.file("out.gguf"), {});
    ASSERT_NE(repaired, nullptr);
    EXPECT_TRUE(repaired->info().repairs.empty());
    EXPECT_TRUE(same_bits(all_logits(repaired, ids), expected));
  }
}

}  // namespace
}  // namespace tern::test
