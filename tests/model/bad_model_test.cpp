// Files whose container is in order but whose metadata or tensors do not make a model that tern can
// compute: each is refused with the right code and a message that names what is wrong.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <ostream>

#include "tests/model/run_model.h"

namespace tern {
namespace {

using tensor::DType;
using test::TinyModel;

struct Mutation {
  std::string name;
  const char* model;
  std::function<void(TinyModel&)> edit;
  ErrorCode code;
  std::vector<std::string> message;  // parts of it
  std::string hint = "";             // part of it
};

constexpr const char* kLlama =
    "llama-rope-linear";  // one layer, n_embd = n_ff = 128, 2 heads of 64

std::function<void(TinyModel&)> without(const char* key) {
  return [key](TinyModel& m) { m.remove_key(key); };
}
template <typename T>
std::function<void(TinyModel&)> with(const char* key, T value) {
  return [key, value](TinyModel& m) { m.set(key, value); };
}

std::vector<float> ones(size_t n) { return std::vector<float>(n, 1.0f); }

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
       {"tensor blk.1.", "has no place"}},
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

// What changes the computation and is not known must not be passed over.
std::vector<Mutation> unknown_computations() {
  std::vector<Mutation> mutations = {
      {"ArchitectureUnknown",
       kLlama,
       with("general.architecture", "gemma3"),
       ErrorCode::kUnsupported,
       {"architecture 'gemma3'"},
       "bitnet-b1.58"},
      {"Adapter",
       kLlama,
       with("general.type", "adapter"),
       ErrorCode::kUnsupported,
       {"holds a 'adapter'"}},
      {"Hadamard",
       "qwen3-group128",
       with("prism.hadamard.block_size", 128u),
       ErrorCode::kUnsupported,
       {"prism.hadamard.block_size", "Hadamard"},
       "without"},
      {"PrismOther",
       "qwen3",
       with("prism.rotation", true),
       ErrorCode::kUnsupported,
       {"prism.rotation"}},
      {"RopeScalingUnknown",
       kLlama,
       with("llama.rope.scaling.type", "longrope"),
       ErrorCode::kUnsupported,
       {"llama.rope.scaling.type", "longrope"}},
      {"RopeAttentionFactorWithoutYarn",
       kLlama,
       with("llama.rope.scaling.attn_factor", 1.25f),
       ErrorCode::kUnsupported,
       {"llama.rope.scaling.attn_factor", "1.25"}},
      {"RopeYarnAttentionFactorWithoutYarn",
       kLlama,
       with("llama.rope.scaling.yarn_attn_factor", 0.5f),
       ErrorCode::kUnsupported,
       {"llama.rope.scaling.yarn_attn_factor", "0.5"}},
      {"RopeExtFactorWithoutYarn",
       kLlama,
       with("llama.rope.scaling.yarn_ext_factor", 1.0f),
       ErrorCode::kUnsupported,
       {"llama.rope.scaling.yarn_ext_factor"}},
      {"ActivationOfBitnetUnknown",
       "bitnet",
       with("bitnet.hidden_activation", "gelu"),
       ErrorCode::kUnsupported,
       {"bitnet.hidden_activation", "gelu"}},
      {"ActivationOfBitnetMissing",
       "bitnet",
       [](TinyModel&) {},
       ErrorCode::kUnsupported,
       {"SiLU", "squared ReLU", "287 tokens", "'gpt2'"},
       "--ffn-act"},
  };
  const std::pair<const char*, const char*> keys[] = {
      {"RopeKeyUnknown", "rope.dimension_sections"},
      {"NormKeyUnknown", "attention.layer_norm_epsilon"},
      {"QkNormUnknown", "use_qk_norm"},
      {"ExpertCount", "expert_count"},
      {"ExpertUsedCount", "expert_used_count"},
      {"ExpertSharedCount", "expert_shared_count"},
      {"SlidingWindow", "attention.sliding_window"},
      {"LogitScale", "logit_scale"},
      {"EmbeddingScale", "embedding_scale"},
      {"ResidualScale", "residual_scale"},
      {"FinalSoftcap", "final_logit_softcapping"},
      {"AttentionSoftcap", "attn_logit_softcapping"},
      {"ParallelResidual", "use_parallel_residual"},
      {"StateSpace", "ssm.conv_kernel"},
      {"NotCausal", "attention.causal"},
  };
  for (const auto& [name, suffix] : keys) {
    const std::string key = std::string("llama.") + suffix;
    const uint32_t value = key == "llama.attention.causal" ? 0 : 8;
    mutations.push_back({name,
                         kLlama,
                         [key, value](TinyModel& m) { m.set(key, value); },
                         ErrorCode::kUnsupported,
                         {key}});
  }
  return mutations;
}

std::vector<Mutation> tensors() {
  std::vector<Mutation> mutations = {
      {"NormMissing",
       kLlama,
       [](TinyModel& m) { m.remove_tensor("output_norm.weight"); },
       ErrorCode::kCorrupt,
       {"output_norm.weight", "is missing"}},
      {"EmbeddingMissing",
       kLlama,
       [](TinyModel& m) { m.remove_tensor("token_embd.weight"); },
       ErrorCode::kCorrupt,
       {"token_embd.weight", "is missing"}},
      {"LinearMissing",
       kLlama,
       [](TinyModel& m) { m.remove_tensor("blk.0.ffn_down.weight"); },
       ErrorCode::kCorrupt,
       {"blk.0.ffn_down.weight [128, 128]", "is missing"}},
      {"SubNormMissing",
       "bitnet-25",
       [](TinyModel& m) { m.remove_tensor("blk.0.attn_sub_norm.weight"); },
       ErrorCode::kCorrupt,
       {"blk.0.attn_sub_norm.weight", "is missing"}},
      {"HeadNormMissing",
       "qwen3",
       [](TinyModel& m) { m.remove_tensor("blk.0.attn_q_norm.weight"); },
       ErrorCode::kCorrupt,
       {"blk.0.attn_q_norm.weight", "is missing"}},
      {"TensorTwice",
       kLlama,
       [](TinyModel& m) { m.add(test::TinyTensor(m.tensor("blk.0.attn_norm.weight"))); },
       ErrorCode::kCorrupt,
       {"blk.0.attn_norm.weight", "twice"}},
      {"KeyTwice",
       kLlama,
       [](TinyModel& m) { m.repeat_key("llama.block_count"); },
       ErrorCode::kCorrupt,
       {"llama.block_count", "twice"}},
      {"Bias",
       kLlama,
       [](TinyModel& m) { m.add_dense("blk.0.attn_q.bias", {128}, ones(128)); },
       ErrorCode::kUnsupported,
       {"blk.0.attn_q.bias [128]", "has no place"}},
      {"SubNormInLlama",
       kLlama,
       [](TinyModel& m) { m.add_dense("blk.0.ffn_sub_norm.weight", {128}, ones(128)); },
       ErrorCode::kUnsupported,
       {"blk.0.ffn_sub_norm.weight", "llama"}},
      {"ExpertGate",
       kLlama,
       [](TinyModel& m) {
         m.add_dense("blk.0.ffn_gate_inp.weight", {8, 128}, ones(8 * 128));
       },
       ErrorCode::kUnsupported,
       {"blk.0.ffn_gate_inp.weight"}},
      {"InputScaleTensor",
       kLlama,
       [](TinyModel& m) { m.add_dense("blk.0.attn_q.input_scale", {1}, ones(1)); },
       ErrorCode::kUnsupported,
       {"blk.0.attn_q.input_scale"}},
      {"LinearTransposed",
       "qwen3",
       [](TinyModel& m) {
         m.tensor("blk.0.attn_q.weight").shape = {256, 512};
       },
       ErrorCode::kCorrupt,
       {"blk.0.attn_q.weight", "[256, 512]", "[512, 256]"}},
      {"LinearFlat",
       kLlama,
       [](TinyModel& m) { m.tensor("blk.0.attn_q.weight").shape = {128 * 128}; },
       ErrorCode::kCorrupt,
       {"blk.0.attn_q.weight", "[16384]", "[128, 128]"}},
      {"EmbeddingFlat",
       kLlama,
       [](TinyModel& m) { m.tensor("token_embd.weight").shape = {287 * 128}; },
       ErrorCode::kCorrupt,
       {"token_embd.weight", "two dimensions"}},
      {"HeadOfOtherVocabulary",
       kLlama,
       [](TinyModel& m) {
         m.add_dense("output.weight", {288, 128}, ones(288 * 128));
       },
       ErrorCode::kCorrupt,
       {"output.weight", "[288, 128]", "[287, 128]"}},
      {"NormOfOtherSize",
       kLlama,
       [](TinyModel& m) {
         m.tensor("blk.0.attn_norm.weight").shape = {64, 2};
       },
       ErrorCode::kCorrupt,
       {"blk.0.attn_norm.weight", "[64, 2]", "[128]"}},
      {"NormInQ8",
       kLlama,
       [](TinyModel& m) { m.recode("blk.0.ffn_norm.weight", DType::kQ8_0); },
       ErrorCode::kUnsupported,
       {"blk.0.ffn_norm.weight", "Q8_0", "F32, F16 or BF16"}},
      {"TypeNotRead",
       kLlama,
       [](TinyModel& m) { m.tensor("blk.0.attn_q.weight").type_id = 10; },
       ErrorCode::kUnsupported,
       {"blk.0.attn_q.weight", "Q2_K"},
       "I2_S"},
      {"TypeUnknown",
       kLlama,
       [](TinyModel& m) { m.tensor("blk.0.attn_q.weight").type_id = 9999; },
       ErrorCode::kUnsupported,
       {"blk.0.attn_q.weight", "9999"}},
      {"TypeTl1",
       kLlama,
       [](TinyModel& m) { m.tensor("blk.0.attn_k.weight").type_id = 38; },
       ErrorCode::kUnsupported,
       {"blk.0.attn_k.weight is TL1"},
       "I2_S"},
      {"TypeTl2",
       "llama",
       [](TinyModel& m) {
         // Id 42 with as many bytes as TL2 takes: pairs in nibbles for 256 columns, and the tail.
         auto& t = m.tensor("blk.0.ffn_up.weight");
         t.type_id = 42;
         t.data.assign(256 * 128 / 2 + 32, 0);
       },
       ErrorCode::kUnsupported,
       {"blk.0.ffn_up.weight is TL2"},
       "I2_S"},
      {"ScaleOfDense",
       "llama-dense",
       [](TinyModel& m) { m.add_dense("blk.0.attn_q.scale", {1}, {2.0f}); },
       ErrorCode::kUnsupported,
       {"blk.0.attn_q.scale", "F32"}},
      {"ScaleOfEmbedding",
       kLlama,
       [](TinyModel& m) { m.add_dense("token_embd.scale", {1}, {2.0f}); },
       ErrorCode::kUnsupported,
       {"token_embd.scale", "F16"}},
      {"ScalePerRow",
       kLlama,
       [](TinyModel& m) { m.add_dense("blk.0.attn_q.scale", {128}, ones(128)); },
       ErrorCode::kUnsupported,
       {"blk.0.attn_q.scale", "[128]"}},
      {"RopeFactorsOfOtherSize",
       "llama-rope-llama3",
       [](TinyModel& m) {
         m.remove_tensor("rope_freqs.weight").add_dense("rope_freqs.weight", {64}, ones(64));
       },
       ErrorCode::kCorrupt,
       {"rope_freqs.weight", "[64]", "[32]"}},
      {"RopeFactorsInF16",
       "llama-rope-llama3",
       [](TinyModel& m) { m.recode("rope_freqs.weight", DType::kF16); },
       ErrorCode::kUnsupported,
       {"rope_freqs.weight", "F32"}},
  };
  return mutations;
}

void PrintTo(const Mutation& mutation, std::ostream* out) { *out << mutation.name; }

class BadModel : public testing::TestWithParam<Mutation> {};

TEST_P(BadModel, IsRefusedSayingWhy) {
  const Mutation& mutation = GetParam();
  TinyModel model = TinyModel::named(mutation.model);
  mutation.edit(model);
  const test::TempDir folder;
  const std::string path = folder.file("bad.gguf");
  model.write(path);
  const auto loaded = Model::load(test::engine(), path);
  ASSERT_FALSE(loaded);
  const Error& error = loaded.error();
  EXPECT_EQ(error.code, mutation.code) << error.message;
  EXPECT_NE(error.message.find(path), std::string::npos) << error.message;
  for (const std::string& part : mutation.message) {
    EXPECT_NE(error.message.find(part), std::string::npos) << error.message;
  }
  EXPECT_NE(error.hint.find(mutation.hint), std::string::npos) << error.hint;

  // `inspect` shows the file and says the same, unless the container itself is not in order.
  const auto inspection = inspect_model(path);
  if (!inspection) {
    EXPECT_EQ(inspection.error().message, error.message);
  } else {
    const std::string& said =
        inspection->unsupported.empty() ? inspection->tokenizer_error : inspection->unsupported;
    for (const std::string& part : mutation.message) {
      EXPECT_NE(said.find(part), std::string::npos) << said;
    }
  }
}

std::string mutation_name(const testing::TestParamInfo<Mutation>& row) { return row.param.name; }

INSTANTIATE_TEST_SUITE_P(WrongTypes, BadModel, testing::ValuesIn(wrong_types()), mutation_name);
INSTANTIATE_TEST_SUITE_P(MissingKeys, BadModel, testing::ValuesIn(missing_keys()), mutation_name);
INSTANTIATE_TEST_SUITE_P(WrongSizes, BadModel, testing::ValuesIn(wrong_sizes()), mutation_name);
INSTANTIATE_TEST_SUITE_P(Tokenizers, BadModel, testing::ValuesIn(tokenizers()), mutation_name);
INSTANTIATE_TEST_SUITE_P(UnknownComputations, BadModel, testing::ValuesIn(unknown_computations()),
                         mutation_name);
INSTANTIATE_TEST_SUITE_P(Tensors, BadModel, testing::ValuesIn(tensors()), mutation_name);

// The rows above change one thing of files that load.
TEST(GoodModel, LoadsWithoutTheMutations) {
  for (const char* name : {kLlama, "llama", "bitnet-b1.58", "bitnet-25", "qwen3", "qwen3-group128",
                           "llama-dense", "llama-rope-llama3", "llama-rope-yarn"}) {
    EXPECT_NE(test::load_model(TinyModel::named(name)), nullptr) << name;
  }
}

// Keys that say "not used" are no reason to refuse a file, and change nothing.
TEST(GoodModel, LoadsWithNeutralKeys) {
  TinyModel model = TinyModel::named(kLlama);
  const auto ids = test::some_ids(5, 287);
  const std::vector<float> expected = test::all_logits(test::load_model(model), ids);
  model.set("llama.expert_count", 0u).set("llama.expert_used_count", 0u);
  model.set("llama.attention.sliding_window", 0u).set("llama.attention.causal", true);
  model.set("llama.use_parallel_residual", false).set("llama.attention.clamp_kqv", 0.0f);
  model.set("llama.rope.scaling.attn_factor", 1.0f);
  model.set("llama.some_note", "nothing to do with the computation").set("general.type", "model");
  EXPECT_TRUE(test::same_bits(test::all_logits(test::load_model(model), ids), expected));
}

}  // namespace
}  // namespace tern
