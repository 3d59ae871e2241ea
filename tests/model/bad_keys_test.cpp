// Metadata that are missing, of the wrong type, out of range or at odds with the tensors: refused,
// naming the key.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/bad_model.h"

namespace tern {
namespace {

using tensor::DType;
using test::kLlama;
using test::Mutation;
using test::TinyModel;
using test::with;
using test::without;

std::vector<Mutation> wrong_types() {
  return {
      {"ArchitectureNumber",
       kLlama,
       with("general.architecture", uint32_t{1}),
       ErrorCode::kCorrupt,
       {"general.architecture", "expected string"}},
      {"BlockCountString",
       kLlama,
       with("llama.block_count", "1"),
       ErrorCode::kCorrupt,
       {"llama.block_count", "is string", "expected a non-negative integer"}},
      {"BlockCountFloat",
       kLlama,
       with("llama.block_count", 1.0f),
       ErrorCode::kCorrupt,
       {"llama.block_count", "is f32"}},
      {"BlockCountNegative",
       kLlama,
       with("llama.block_count", int32_t{-1}),
       ErrorCode::kCorrupt,
       {"llama.block_count", "-1"}},
      {"EmbeddingLengthBool",
       kLlama,
       with("llama.embedding_length", true),
       ErrorCode::kCorrupt,
       {"llama.embedding_length", "is bool"}},
      {"HeadCountFloat",
       kLlama,
       with("llama.attention.head_count", 2.0),
       ErrorCode::kCorrupt,
       {"llama.attention.head_count", "is f64"}},
      {"FreqBaseString",
       kLlama,
       with("llama.rope.freq_base", "10000"),
       ErrorCode::kCorrupt,
       {"llama.rope.freq_base", "is string", "expected a number"}},
      {"EpsString",
       kLlama,
       with("llama.attention.layer_norm_rms_epsilon", "1e-5"),
       ErrorCode::kCorrupt,
       {"llama.attention.layer_norm_rms_epsilon", "is string"}},
      {"ScalingTypeNumber",
       kLlama,
       with("llama.rope.scaling.type", uint32_t{1}),
       ErrorCode::kCorrupt,
       {"llama.rope.scaling.type", "is u32"}},
      {"TokensNumbers",
       kLlama,
       with("tokenizer.ggml.tokens", std::vector<int32_t>(287)),
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.tokens", "expected array of string"}},
      {"MergesString",
       kLlama,
       with("tokenizer.ggml.merges", "a b"),
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.merges", "is string"}},
      {"EosString",
       kLlama,
       with("tokenizer.ggml.eos_token_id", "2"),
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.eos_token_id", "is string"}},
      {"GeneralTypeNumber",
       kLlama,
       with("general.type", uint8_t{0}),
       ErrorCode::kCorrupt,
       {"general.type", "is u8"}},
  };
}

std::vector<Mutation> missing_keys() {
  std::vector<Mutation> mutations;
  for (const char* key :
       {"general.architecture", "llama.block_count", "llama.embedding_length",
        "llama.feed_forward_length", "llama.context_length", "llama.attention.head_count",
        "llama.attention.layer_norm_rms_epsilon", "tokenizer.ggml.model", "tokenizer.ggml.tokens",
        "tokenizer.ggml.merges"}) {
    std::string name = "Missing_";
    for (const char* c = key; *c != '\0'; ++c) name += *c == '.' ? '_' : *c;
    mutations.push_back({name, kLlama, without(key), ErrorCode::kCorrupt, {key, "is missing"}});
  }
  mutations.push_back({"MissingKeyLengthOfQwen3",
                       "qwen3",
                       without("qwen3.attention.key_length"),
                       ErrorCode::kCorrupt,
                       {"qwen3.attention.key_length", "is missing"}});
  return mutations;
}

std::vector<Mutation> wrong_sizes() {
  return {
      {"BlockCount0",
       kLlama,
       with("llama.block_count", 0u),
       ErrorCode::kCorrupt,
       {"llama.block_count is 0"}},
      {"BlockCountHuge",
       kLlama,
       with("llama.block_count", UINT64_MAX),
       ErrorCode::kCorrupt,
       {"llama.block_count is 18446744073709551615"}},
      {"BlockCount2Of1",
       kLlama,
       with("llama.block_count", 2u),
       ErrorCode::kCorrupt,
       {"blk.1.", "is missing"}},
      {"BlockCount1Of2",
       "llama",
       with("llama.block_count", 1u),
       ErrorCode::kUnsupported,
       {"tensor 'blk.1.", "has no place"}},
      {"EmbeddingLengthOther",
       kLlama,
       with("llama.embedding_length", 256u),
       ErrorCode::kCorrupt,
       {"token_embd.weight", "[287, 128]", "[287, 256]"}},
      {"EmbeddingLengthHuge",
       kLlama,
       with("llama.embedding_length", 0xffffffffu),
       ErrorCode::kCorrupt,
       {"llama.embedding_length is 4294967295"}},
      {"FeedForwardOther",
       kLlama,
       with("llama.feed_forward_length", 64u),
       ErrorCode::kCorrupt,
       {"blk.0.ffn_gate.weight", "[128, 128]", "[64, 128]"}},
      {"FeedForward0",
       kLlama,
       with("llama.feed_forward_length", 0u),
       ErrorCode::kCorrupt,
       {"llama.feed_forward_length is 0"}},
      {"Context0",
       kLlama,
       with("llama.context_length", 0u),
       ErrorCode::kCorrupt,
       {"llama.context_length is 0"}},
      {"HeadCount0",
       kLlama,
       with("llama.attention.head_count", 0u),
       ErrorCode::kCorrupt,
       {"llama.attention.head_count is 0"}},
      {"HeadCountKv0",
       kLlama,
       with("llama.attention.head_count_kv", 0u),
       ErrorCode::kCorrupt,
       {"llama.attention.head_count_kv is 0"}},
      {"HeadsDoNotShare",
       "llama",
       with("llama.attention.head_count_kv", 3u),
       ErrorCode::kCorrupt,
       {"4 query heads cannot share 3 key heads"}},
      {"MoreKeyHeads",
       kLlama,
       with("llama.attention.head_count_kv", 4u),
       ErrorCode::kCorrupt,
       {"2 query heads cannot share 4 key heads"}},
      {"HeadsDoNotDivide",
       kLlama,
       [](TinyModel& m) {
         m.set("llama.attention.head_count", 3u).set("llama.attention.head_count_kv", 1u);
       },
       ErrorCode::kCorrupt,
       {"llama.embedding_length", "128 is not a multiple of 3"}},
      {"HeadsOfOddLength",
       kLlama,
       with("llama.attention.key_length", 63u),
       ErrorCode::kCorrupt,
       {"heads of 63 elements"}},
      {"HeadCountPerLayer",
       kLlama,
       with("llama.attention.head_count", std::vector<uint32_t>{2}),
       ErrorCode::kUnsupported,
       {"llama.attention.head_count", "one value per layer"}},
      {"FeedForwardPerLayer",
       kLlama,
       with("llama.feed_forward_length", std::vector<int32_t>{128}),
       ErrorCode::kUnsupported,
       {"llama.feed_forward_length", "one value per layer"}},
      {"KeyLengthOther",
       "qwen3",
       with("qwen3.attention.key_length", 64u),
       ErrorCode::kUnsupported,
       {"keys of 64 and values of 128"}},
      {"KeyAndValueLengthOther",
       "qwen3",
       [](TinyModel& m) {
         m.set("qwen3.attention.key_length", 64u).set("qwen3.attention.value_length", 64u);
         m.set("qwen3.rope.dimension_count", 64u);
       },
       ErrorCode::kCorrupt,
       {"blk.0.attn_q_norm.weight", "[128]", "[64]"}},
      {"HeadsTooLargeTogether",
       "qwen3",
       [](TinyModel& m) {
         m.set("qwen3.attention.key_length", 4096u).set("qwen3.attention.value_length", 4096u);
         m.set("qwen3.attention.head_count", 4096u);
       },
       ErrorCode::kUnsupported,
       {"4096 heads of 4096 elements"}},
      {"EpsNegative",
       kLlama,
       with("llama.attention.layer_norm_rms_epsilon", -1e-5f),
       ErrorCode::kCorrupt,
       {"llama.attention.layer_norm_rms_epsilon"}},
      {"EpsNan",
       kLlama,
       with("llama.attention.layer_norm_rms_epsilon", std::nanf("")),
       ErrorCode::kCorrupt,
       {"llama.attention.layer_norm_rms_epsilon", "nan"}},
      {"EpsHuge",
       kLlama,
       with("llama.attention.layer_norm_rms_epsilon", 1.0f),
       ErrorCode::kCorrupt,
       {"llama.attention.layer_norm_rms_epsilon is 1"}},
      {"RopeDimensionOdd",
       kLlama,
       with("llama.rope.dimension_count", 63u),
       ErrorCode::kCorrupt,
       {"llama.rope.dimension_count is 63"}},
      {"RopeDimensionBeyondHead",
       kLlama,
       with("llama.rope.dimension_count", 66u),
       ErrorCode::kCorrupt,
       {"llama.rope.dimension_count is 66"}},
      {"FreqBase0",
       kLlama,
       with("llama.rope.freq_base", 0.0f),
       ErrorCode::kCorrupt,
       {"llama.rope.freq_base is 0"}},
      {"FreqBaseInfinite",
       kLlama,
       with("llama.rope.freq_base", HUGE_VALF),
       ErrorCode::kCorrupt,
       {"llama.rope.freq_base", "inf"}},
      {"FreqBaseTiny",
       kLlama,
       with("llama.rope.freq_base", 1e-300),
       ErrorCode::kCorrupt,
       {"rotation", "llama.rope"}},
      {"FactorTiny",
       kLlama,
       with("llama.rope.scaling.factor", 1e-300),
       ErrorCode::kCorrupt,
       {"rotation", "llama.rope"}},
      {"YarnExtFactorHuge",
       "llama-rope-yarn",
       with("llama.rope.scaling.yarn_ext_factor", 1e300),
       ErrorCode::kCorrupt,
       {"rotation", "llama.rope"}},
      {"Factor0",
       kLlama,
       with("llama.rope.scaling.factor", 0.0f),
       ErrorCode::kCorrupt,
       {"llama.rope.scaling.factor is 0"}},
      {"YarnOriginalContext0",
       "llama-rope-yarn",
       with("llama.rope.scaling.original_context_length", 0u),
       ErrorCode::kCorrupt,
       {"llama.rope.scaling.original_context_length is 0"}},
  };
}

std::vector<Mutation> tokenizers() {
  return {
      {"MoreTokensThanRows",
       kLlama,
       [](TinyModel& m) {
         std::vector<std::string> tokens = m.strings("tokenizer.ggml.tokens");
         tokens.push_back("one more");
         m.set("tokenizer.ggml.tokens", tokens);
         m.set("tokenizer.ggml.token_type", std::vector<int32_t>(288, 1));
       },
       ErrorCode::kCorrupt,
       {"288 tokens", "287 rows"}},
      {"FewerRowsThanTokens",
       kLlama,
       [](TinyModel& m) {
         auto values = m.floats("token_embd.weight");
         values.resize(286 * 128);
         m.tensor("token_embd.weight").shape = {286, 128};
         m.store("token_embd.weight", values, DType::kF16);
       },
       ErrorCode::kCorrupt,
       {"287 tokens", "286 rows"}},
      {"TypesOfOtherLength",
       kLlama,
       with("tokenizer.ggml.token_type", std::vector<int32_t>(286, 1)),
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.token_type", "286 types for 287 tokens"}},
      {"BosOutOfRange",
       kLlama,
       with("tokenizer.ggml.bos_token_id", 287u),
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.bos_token_id", "287"}},
      {"EosOutOfRange",
       kLlama,
       with("tokenizer.ggml.eos_token_id", 0xffffffffu),
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.eos_token_id", "4294967295"}},
      {"PadOutOfRange",
       kLlama,
       with("tokenizer.ggml.padding_token_id", 1000u),
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.padding_token_id", "1000"}},
      {"MergeOfNothing",
       kLlama,
       with("tokenizer.ggml.merges", std::vector<std::string>{"h e", " e"}),
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.merges", "merge 1"}},
      {"MergeIntoNothing",
       kLlama,
       with("tokenizer.ggml.merges", std::vector<std::string>{"e "}),
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.merges", "merge 0"}},
      {"MergeOfUnknown",
       kLlama,
       with("tokenizer.ggml.merges", std::vector<std::string>{"h e", "he zz"}),
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.merges", "merge 1", "zz"}},
      {"MergeIntoUnknown",
       kLlama,
       with("tokenizer.ggml.merges", std::vector<std::string>{"z z"}),
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.merges", "zz"}},
      {"ModelUnknown",
       kLlama,
       with("tokenizer.ggml.model", "bert"),
       ErrorCode::kUnsupported,
       {"tokenizer.ggml.model", "bert"}},
      {"PreUnknown",
       kLlama,
       with("tokenizer.ggml.pre", "no-such-rule"),
       ErrorCode::kUnsupported,
       {"tokenizer.ggml.pre", "no-such-rule"}},
      {"ScoresMissing",
       kLlama,
       with("tokenizer.ggml.model", "llama"),
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.scores"}},
      {"TokenTwice",
       kLlama,
       [](TinyModel& m) {
         std::vector<std::string> tokens = m.strings("tokenizer.ggml.tokens");
         tokens[1] = tokens[0];
         m.set("tokenizer.ggml.tokens", tokens);
       },
       ErrorCode::kCorrupt,
       {"tokenizer.ggml.tokens"}},
  };
}

class BadKeys : public testing::TestWithParam<Mutation> {};

TEST_P(BadKeys, AreRefusedSayingWhy) { test::expect_refused(GetParam()); }

INSTANTIATE_TEST_SUITE_P(WrongTypes, BadKeys, testing::ValuesIn(wrong_types()),
                         test::mutation_name);
INSTANTIATE_TEST_SUITE_P(MissingKeys, BadKeys, testing::ValuesIn(missing_keys()),
                         test::mutation_name);
INSTANTIATE_TEST_SUITE_P(WrongSizes, BadKeys, testing::ValuesIn(wrong_sizes()),
                         test::mutation_name);
INSTANTIATE_TEST_SUITE_P(Tokenizers, BadKeys, testing::ValuesIn(tokenizers()), test::mutation_name);

}  // namespace
}  // namespace tern
