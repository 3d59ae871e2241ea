// The same weights give the same logits, bit for bit, whatever container they are stored in.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/model/run_model.h"

namespace tern {
namespace {

using tensor::DType;
using tensor::ScaleScope;
using tensor::TernaryMatrix;
using test::TinyModel;

constexpr size_t kTokens = 12;

const char* act_name(ActMode act) {
  return act == ActMode::kToken ? "token" : act == ActMode::kGroup ? "group" : "auto";
}

TinyModel tiny(const std::string& name) {
  TinyModel model = TinyModel::named(name);
  if (name == "bitnet") model.set("bitnet.hidden_activation", "silu");
  return model;
}

// Logits, the same in every layout of the weights, of a model whose I2_S tensors, if any, have the
// packing of dtype.
std::vector<float> logits_of(const TinyModel& model, ActMode act, DType dtype) {
  LoadOptions options;
  options.act = act;
  options.i2s_arm_layout = dtype == DType::kI2_S_ARM;
  options.weights = WeightsLayout::kT2;
  const auto loaded = test::load_model(model, options);
  if (loaded == nullptr) return {};
  if (act != ActMode::kAuto) {
    EXPECT_EQ(loaded->info().act_mode, act == ActMode::kToken ? "token" : "group 128");
    EXPECT_EQ(loaded->info().act_mode_reason, "requested");
  }
  const auto ids = test::some_ids(kTokens, loaded->info().n_vocab);
  std::vector<float> logits = test::all_logits(loaded, ids);
  for (const WeightsLayout layout : {WeightsLayout::kT5, WeightsLayout::kL2}) {
    options.weights = layout;
    const auto other = test::load_model(model, options);
    if (other == nullptr) return {};
    EXPECT_TRUE(test::same_bits(test::all_logits(other, ids), logits))
        << other->info().weights_layout;
  }
  return logits;
}

// All containers of the table; Q1_0 cannot hold zeros and has tests of its own.
std::vector<DType> ternary_containers() {
  std::vector<DType> dtypes;
  for (const tensor::Format& format : tensor::all_formats()) {
    if (format.kind == tensor::FormatKind::kTernary && format.dtype != DType::kQ1_0) {
      dtypes.push_back(format.dtype);
    }
  }
  return dtypes;
}

void expect_equal_in(const TinyModel& model, const std::vector<DType>& dtypes, ActMode act) {
  std::vector<float> expected;
  for (const DType dtype : dtypes) {
    SCOPED_TRACE(std::string(tensor::format_of(dtype).name) + ", act " + act_name(act));
    TinyModel copy = model;
    copy.recode_linears(dtype);
    const std::vector<float> logits = logits_of(copy, act, dtype);
    ASSERT_FALSE(logits.empty());
    if (expected.empty()) expected = logits;
    EXPECT_TRUE(test::same_bits(logits, expected));
  }
}

// Gives every `group` columns of every row of the linears a scale of their own, exact in f16.
void spread_scales(TinyModel& model, uint64_t group) {
  for (const std::string& name : model.linears()) {
    TernaryMatrix matrix = model.ternary(name);
    const float base = matrix.scales[0];
    matrix.scope = group == 0 ? ScaleScope::kRow : ScaleScope::kGroup;
    matrix.group = group;
    const uint64_t per_row = group == 0 ? 1 : matrix.k / group;
    matrix.scales.resize(matrix.n_rows * per_row);
    for (size_t i = 0; i < matrix.scales.size(); ++i) {
      // 0.5 ... 1.4375 in steps of 1/16 of a power of two near the base: few mantissa bits.
      matrix.scales[i] =
          static_cast<float>(8 + i * 7 % 16) / 16.0f * (base > 0.06f ? 0.125f : 0.0625f);
    }
    model.store(name, matrix,
                group == 0     ? DType::kIQ2_BN
                : group == 64  ? DType::kQ2_0_G64
                : group == 128 ? DType::kPQ2_0
                               : DType::kTQ2_0);
  }
}

class OneScale : public testing::TestWithParam<const char*> {};

TEST_P(OneScale, IsEqualInEveryContainer) {
  const TinyModel model = tiny(GetParam());
  const std::vector<DType> dtypes = ternary_containers();
  ASSERT_EQ(dtypes.size(), 11u);
  for (const ActMode act : {ActMode::kToken, ActMode::kGroup}) {
    expect_equal_in(model, dtypes, act);
  }
}

// One scale per matrix means activations per token, in block formats too.
TEST_P(OneScale, RunsPerTokenByItselfInEveryContainer) {
  expect_equal_in(tiny(GetParam()),
                  {DType::kI2_S, DType::kTQ1_0, DType::kQ2_0_G64, DType::kPTQ1_0, DType::kIQ2_BN},
                  ActMode::kAuto);
}

INSTANTIATE_TEST_SUITE_P(AllArchitectures, OneScale,
                         testing::Values("llama", "bitnet", "bitnet-25", "bitnet-b1.58", "qwen3"),
                         [](const testing::TestParamInfo<const char*>& row) {
                           std::string name = row.param;
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

// The tests above would pass if the activation mode had no effect.
TEST(Activations, TokenAndGroupDiffer) {
  const TinyModel model = TinyModel::named("llama");
  EXPECT_FALSE(test::same_bits(logits_of(model, ActMode::kToken, DType::kI2_S),
                               logits_of(model, ActMode::kGroup, DType::kI2_S)));
}

TEST(Activations, AutomaticModeIsSaidWithItsReason) {
  const auto info_of = [](const TinyModel& model) {
    const auto loaded = test::load_model(model);
    return loaded == nullptr ? ModelInfo{} : loaded->info();
  };
  TinyModel model = TinyModel::named("llama");
  EXPECT_EQ(info_of(model).act_mode, "token");
  EXPECT_EQ(info_of(model).act_mode_reason, "BitNet format");
  model.recode_linears(DType::kTQ2_0);
  EXPECT_EQ(info_of(model).act_mode, "token");
  EXPECT_EQ(info_of(model).act_mode_reason, "one scale per matrix");
  spread_scales(model, 128);
  EXPECT_EQ(info_of(model).act_mode, "group 128");
  EXPECT_EQ(info_of(model).act_mode_reason, "scales differ within matrices");
  // Row scales in a format that only BitNet models use, and the same scales in one that others use.
  model = TinyModel::named("llama");
  spread_scales(model, 0);
  EXPECT_EQ(info_of(model).act_mode, "token");
  model.recode_linears(DType::kTQ2_0);
  EXPECT_EQ(info_of(model).act_mode, "group 128");
  // The BitNet architectures were trained per token, whatever the scales.
  model = TinyModel::named("bitnet-25");
  spread_scales(model, 128);
  EXPECT_EQ(info_of(model).act_mode, "token");
  EXPECT_EQ(info_of(model).act_mode_reason, "BitNet architecture");
}

class ScalesPer : public testing::TestWithParam<ActMode> {};

TEST_P(ScalesPer, Columns128AreEqualInEveryContainerThatHoldsThem) {
  const std::vector<DType> dtypes = {DType::kPQ2_0, DType::kQ2_0_G64, DType::kQ2_0_G128,
                                     DType::kPTQ1_0};
  TinyModel model = TinyModel::named("llama");
  spread_scales(model, 128);
  expect_equal_in(model, dtypes, GetParam());
  expect_equal_in(TinyModel::named("qwen3-group128"), dtypes, GetParam());
}

TEST_P(ScalesPer, Columns256AreEqualInEveryContainerThatHoldsThem) {
  TinyModel model = TinyModel::named("bitnet-b1.58");  // ffn_down has two such groups
  spread_scales(model, 256);
  expect_equal_in(model,
                  {DType::kTQ2_0, DType::kTQ1_0, DType::kPQ2_0, DType::kQ2_0_G64, DType::kQ2_0_G128,
                   DType::kPTQ1_0},
                  GetParam());
}

TEST_P(ScalesPer, RowsAreEqualInEveryContainerThatHoldsThem) {
  TinyModel model = TinyModel::named("llama");
  spread_scales(model, 0);
  expect_equal_in(model,
                  {DType::kIQ2_BN, DType::kIQ1_BN, DType::kIQ2_BN_R4, DType::kTQ2_0, DType::kTQ1_0,
                   DType::kQ2_0_G64, DType::kQ2_0_G128, DType::kPQ2_0, DType::kPTQ1_0},
                  GetParam());
}

// Matrices that read the same input may have scales of different reach.
TEST_P(ScalesPer, MixedContainersAreEqualToOneContainer) {
  TinyModel model = TinyModel::named("llama");
  TinyModel fine = TinyModel::named("llama");
  TinyModel coarse = TinyModel::named("llama");
  spread_scales(fine, 64);
  spread_scales(coarse, 256);
  model.recode_linears(DType::kQ2_0_G64);
  for (const char* name : {"blk.0.attn_k.weight", "blk.1.ffn_up.weight"}) {
    model.store(name, fine.ternary(name), DType::kQ2_0_G64);
  }
  for (const char* name : {"blk.0.attn_q.weight", "blk.1.ffn_down.weight"}) {
    model.store(name, coarse.ternary(name), DType::kQ2_0_G64);
  }
  const std::vector<float> expected = logits_of(model, GetParam(), DType::kQ2_0_G64);
  TinyModel mixed = model;
  for (const char* name : {"blk.0.attn_q.weight", "blk.1.ffn_down.weight"}) {
    mixed.store(name, coarse.ternary(name), DType::kTQ1_0);
  }
  for (const char* name : {"blk.0.attn_v.weight", "blk.1.ffn_gate.weight"}) {
    mixed.store(name, TinyModel::named("llama").ternary(name), DType::kI2_S);
  }
  EXPECT_TRUE(test::same_bits(logits_of(mixed, GetParam(), DType::kI2_S), expected));
}

INSTANTIATE_TEST_SUITE_P(BothActivationModes, ScalesPer,
                         testing::Values(ActMode::kToken, ActMode::kGroup),
                         [](const testing::TestParamInfo<ActMode>& row) {
                           return act_name(row.param);
                         });

// The codes of a model with every 0 replaced by -1 or +1, which Q1_0 can hold.
void make_binary(TinyModel& model) {
  for (const std::string& name : model.linears()) {
    const DType dtype = model.tensor(name).dtype;
    TernaryMatrix matrix = model.ternary(name);
    for (size_t i = 0; i < matrix.codes.size(); ++i) {
      if (matrix.codes[i] == 1) matrix.codes[i] = i * 2654435761u >> 20 & 1 ? 2 : 0;
    }
    model.store(name, matrix, dtype);
  }
}

TEST(Binary, OneScaleIsEqualInQ1AndTernaryContainers) {
  TinyModel model = TinyModel::named("qwen3");
  make_binary(model);
  for (const ActMode act : {ActMode::kToken, ActMode::kGroup, ActMode::kAuto}) {
    expect_equal_in(model, {DType::kQ1_0, DType::kTQ2_0, DType::kPQ2_0}, act);
  }
}

TEST(Binary, ScalesPer128AreEqualInQ1AndTernaryContainers) {
  TinyModel model = TinyModel::named("qwen3-group128");
  make_binary(model);
  for (const ActMode act : {ActMode::kToken, ActMode::kGroup, ActMode::kAuto}) {
    expect_equal_in(model, {DType::kQ1_0, DType::kPQ2_0, DType::kQ2_0_G64, DType::kPTQ1_0}, act);
  }
}

// What packing for the other machine does: it must not pass unnoticed in these tests.
TEST(I2sLayout, ReadTheWrongWayGivesOtherLogits) {
  TinyModel model = TinyModel::named("llama");
  const std::vector<float> expected = logits_of(model, ActMode::kToken, DType::kI2_S);
  model.recode_linears(DType::kI2_S_ARM);
  EXPECT_TRUE(test::same_bits(logits_of(model, ActMode::kToken, DType::kI2_S_ARM), expected));
  EXPECT_FALSE(test::same_bits(logits_of(model, ActMode::kToken, DType::kI2_S), expected));
}

// A `.scale` tensor stands for a scale in the matrix.
TEST(ScaleTensor, IsEqualToAScaleInTheMatrix) {
  const TinyModel inside = TinyModel::named("llama");
  TinyModel beside = inside;
  for (const std::string& name : inside.linears()) {
    TernaryMatrix matrix = inside.ternary(name);
    const float scale = matrix.scales[0];
    matrix.scales[0] = 1.0f;
    beside.store(name, matrix, DType::kI2_S);
    std::string companion = name;
    companion.replace(companion.size() - std::string("weight").size(), std::string::npos, "scale");
    beside.add_dense(companion, {1}, {scale},
                     companion.find("ffn") == std::string::npos ? DType::kF32 : DType::kF16);
  }
  ASSERT_TRUE(beside.has_tensor("blk.1.ffn_down.scale"));
  EXPECT_TRUE(test::same_bits(logits_of(beside, ActMode::kToken, DType::kI2_S),
                              logits_of(inside, ActMode::kToken, DType::kI2_S)));
}

// Codes for the embedding and the head, as Bonsai's files have them.
TernaryMatrix ternary_embedding(uint64_t n_rows, uint64_t k, uint64_t group) {
  TernaryMatrix matrix;
  matrix.n_rows = n_rows;
  matrix.k = k;
  matrix.scope = ScaleScope::kGroup;
  matrix.group = group;
  std::mt19937 random(7);
  matrix.codes.resize(n_rows * k);
  for (uint8_t& code : matrix.codes) code = static_cast<uint8_t>(random() % 3);
  matrix.scales.resize(n_rows * (k / group));
  for (float& scale : matrix.scales) scale = static_cast<float>(8 + random() % 8) / 64.0f;
  return matrix;
}

TEST(TernaryEmbedding, IsEqualInEveryContainerAndLooksUpWhatF32Holds) {
  TinyModel model = TinyModel::named("llama");  // with a head of its own
  const uint64_t n_vocab = model.tensor("token_embd.weight").shape[0];
  model.store("token_embd.weight", ternary_embedding(n_vocab, 256, 256), DType::kTQ2_0);
  for (const ActMode act : {ActMode::kToken, ActMode::kGroup}) {
    const std::vector<float> expected = logits_of(model, act, DType::kI2_S);
    for (const DType dtype : {DType::kPQ2_0, DType::kTQ1_0, DType::kQ2_0_G64, DType::kF32}) {
      TinyModel copy = model;
      copy.recode("token_embd.weight", dtype);
      EXPECT_TRUE(test::same_bits(logits_of(copy, act, DType::kI2_S), expected))
          << tensor::format_of(dtype).name;
    }
  }
}

TEST(TernaryHead, IsEqualInEveryContainerTiedOrNot) {
  TinyModel tied = TinyModel::named("qwen3-group128");
  ASSERT_FALSE(tied.has_tensor("output.weight"));
  const uint64_t n_vocab = tied.tensor("token_embd.weight").shape[0];
  tied.store("token_embd.weight", ternary_embedding(n_vocab, 256, 128), DType::kPQ2_0);
  for (const ActMode act : {ActMode::kToken, ActMode::kGroup, ActMode::kAuto}) {
    const std::vector<float> expected = logits_of(tied, act, DType::kPQ2_0);
    ASSERT_FALSE(expected.empty());
    for (const DType dtype : {DType::kPTQ1_0, DType::kQ2_0_G64, DType::kQ2_0_G128}) {
      TinyModel copy = tied;
      copy.recode("token_embd.weight", dtype);
      EXPECT_TRUE(test::same_bits(logits_of(copy, act, dtype), expected))
          << tensor::format_of(dtype).name;
    }
    TinyModel apart = tied;
    test::TinyTensor head = tied.tensor("token_embd.weight");
    head.name = "output.weight";
    apart.add(head).recode("output.weight", DType::kPTQ1_0);
    EXPECT_TRUE(test::same_bits(logits_of(apart, act, DType::kPQ2_0), expected));
  }
}

}  // namespace
}  // namespace tern
