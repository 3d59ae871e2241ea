// Tensors that do not make the model the metadata speak of, and what tern cannot compute: refused,
// naming tensor or key.
#include <gtest/gtest.h>

#include "tests/model/bad_model.h"

namespace tern {
namespace {

using tensor::DType;
using test::kLlama;
using test::Mutation;
using test::TinyModel;
using test::with;
using test::without;

std::vector<float> ones(size_t n) { return std::vector<float>(n, 1.0f); }

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
       {"'blk.0.attn_q.bias' [128]", "has no place"}},
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

// Names and texts of the file that a terminal would act on: quoted, never repeated as they are.
std::vector<Mutation> texts_that_act() {
  constexpr const char* kCleared = "\\u{1b}[2J";
  return {
      {"ArchitectureThatClears",
       kLlama,
       with("general.architecture", "llama\x1b[2J"),
       ErrorCode::kUnsupported,
       {kCleared}},
      {"TypeThatClears",
       kLlama,
       with("general.type", "adapter\x1b[2J"),
       ErrorCode::kUnsupported,
       {kCleared}},
      {"KeyThatClears",
       kLlama,
       with("llama.rope.\x1b[2J", 1u),
       ErrorCode::kUnsupported,
       {kCleared}},
      {"PrismKeyThatClears",
       kLlama,
       with("prism.\x1b[2J", 1u),
       ErrorCode::kUnsupported,
       {kCleared}},
      {"HadamardKeyThatClears",
       kLlama,
       with("prism.hadamard.\x1b[2J", 1u),
       ErrorCode::kUnsupported,
       {kCleared}},
      {"RopeScalingThatClears",
       kLlama,
       with("llama.rope.scaling.type", "\x1b[2J"),
       ErrorCode::kUnsupported,
       {kCleared}},
      {"ActivationThatClears",
       "bitnet",
       with("bitnet.hidden_activation", "\x1b[2J"),
       ErrorCode::kUnsupported,
       {kCleared}},
      {"TensorThatClears",
       kLlama,
       [](TinyModel& m) { m.add_dense("blk.0.\x1b[2J", {1}, ones(1)); },
       ErrorCode::kUnsupported,
       {kCleared}},
      {"PreTokenizerThatClears",
       kLlama,
       with("tokenizer.ggml.pre", "\x1b[2J"),
       ErrorCode::kUnsupported,
       {kCleared}},
  };
}

class BadModel : public testing::TestWithParam<Mutation> {};

TEST_P(BadModel, IsRefusedSayingWhy) { test::expect_refused(GetParam()); }

INSTANTIATE_TEST_SUITE_P(UnknownComputations, BadModel, testing::ValuesIn(unknown_computations()),
                         test::mutation_name);
INSTANTIATE_TEST_SUITE_P(TextsThatAct, BadModel, testing::ValuesIn(texts_that_act()),
                         test::mutation_name);
INSTANTIATE_TEST_SUITE_P(Tensors, BadModel, testing::ValuesIn(tensors()), test::mutation_name);

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
