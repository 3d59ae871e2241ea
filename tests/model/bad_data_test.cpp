// Tensors whose bytes are not weights: codes that are not ternary, scales and values that are no
// numbers. Each is refused when the model is loaded, naming tensor and place.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <ostream>

#include "tests/model/run_model.h"

namespace tern {
namespace {

using tensor::DType;
using test::TinyModel;

constexpr const char* kTensor = "blk.0.ffn_up.weight";  // [256, 256]
constexpr uint16_t kHalfNan = 0x7e00;
constexpr uint16_t kHalfInf = 0x7c00;

struct BadBytes {
  std::string name;
  DType dtype;
  std::function<void(std::vector<uint8_t>&)> edit;  // of the stored tensor
  std::vector<std::string> message;
};

void PrintTo(const BadBytes& bad, std::ostream* out) { *out << bad.name; }

template <typename T>
std::function<void(std::vector<uint8_t>&)> put(size_t at, T value) {
  return [at, value](std::vector<uint8_t>& bytes) { test::put_le(bytes, at, value); };
}

std::vector<BadBytes> bad_bytes() {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  // Row 200 of 256 columns, in the second piece a loader of 16 rows would take.
  constexpr size_t kRow = 200;
  return {
      {"I2sCode3", DType::kI2_S, put(kRow * 64 + 5, uint8_t{0x30}), {"I2_S", "code 3", "row 200"}},
      {"I2sScaleNan", DType::kI2_S, put(256 * 64, nan), {"I2_S", "scale is NaN or infinite"}},
      {"I2sScaleInfinite", DType::kI2_S, put(256 * 64, -inf), {"I2_S", "scale is NaN or infinite"}},
      {"Tq1ImpossibleTrits",
       DType::kTQ1_0,
       put(kRow * 54 + 3, uint8_t{0x01}),
       {"TQ1_0", "no ternary digits", "row 200, block 0"}},
      {"Tq1ScaleNan",
       DType::kTQ1_0,
       put(kRow * 54 + 52, kHalfNan),
       {"TQ1_0", "scale", "row 200, block 0"}},
      {"Tq2Code3",
       DType::kTQ2_0,
       put(kRow * 66 + 63, uint8_t{0xc0}),
       {"TQ2_0", "code 3", "row 200, block 0"}},
      {"Tq2ScaleInfinite",
       DType::kTQ2_0,
       put(kRow * 66 + 64, kHalfInf),
       {"TQ2_0", "scale", "row 200, block 0"}},
      {"Q2Code3",
       DType::kQ2_0_G64,
       put(kRow * 72 + 2 * 18 + 2, uint8_t{0x03}),
       {"Q2_0", "code 3", "row 200, block 2"}},
      {"Q2ScaleNan",
       DType::kQ2_0_G64,
       put(kRow * 72 + 3 * 18, kHalfNan),
       {"Q2_0", "scale", "row 200, block 3"}},
      {"Q2OldCode3",
       DType::kQ2_0_G128,
       put(kRow * 68 + 34 + 33, uint8_t{0x0c}),
       {"Q2_0_G128", "code 3", "row 200, block 1"}},
      {"Pq2Code3",
       DType::kPQ2_0,
       put(kRow * 68 + 2, uint8_t{0xff}),
       {"PQ2_0", "code 3", "row 200, block 0"}},
      {"Pq2ScaleNan",
       DType::kPQ2_0,
       put(kRow * 68 + 34, uint16_t{0xffff}),
       {"PQ2_0", "scale", "row 200, block 1"}},
      {"Ptq1ImpossibleTrits",
       DType::kPTQ1_0,
       // Every byte of a block, wherever the scale lies: 0x01 is no byte that an encoder makes.
       [](std::vector<uint8_t>& bytes) {
         std::fill_n(bytes.begin() + kRow * 56 + 28, 28, uint8_t{0x01});
       },
       {"PTQ1_0", "no ternary digits", "row 200, block 1"}},
      {"Iq1ImpossibleTrits",
       DType::kIQ1_BN,
       put(kRow * 54 + 2 + 13, uint8_t{0x01}),
       {"IQ1_BN", "no ternary digits", "row 200, block 1"}},
      {"Iq1ScaleNan", DType::kIQ1_BN, put(kRow * 54, kHalfNan), {"IQ1_BN", "scale", "row 200"}},
      {"Iq2Code3",
       DType::kIQ2_BN,
       put(kRow * 68 + 4 + 17, uint8_t{0x03}),
       {"IQ2_BN", "code 3", "row 200, block 1"}},
      {"Iq2ScaleInfinite", DType::kIQ2_BN, put(kRow * 68, inf), {"IQ2_BN", "scale", "row 200"}},
      {"Iq2R4Code3",
       DType::kIQ2_BN_R4,
       put(50 * 272 + 16 + 4, uint8_t{0x03}),
       {"IQ2_BN_R4", "code 3", "row 201, block 0"}},
      {"Iq2R4ScaleNan",
       DType::kIQ2_BN_R4,
       put(50 * 272 + 8, nan),
       {"IQ2_BN_R4", "scale", "row 202"}},
      {"F32Nan", DType::kF32, put(kRow * 1024 + 16, nan), {"row 200", "NaN"}},
      {"F16Infinite", DType::kF16, put(kRow * 512 + 16, kHalfInf), {"row 200", "infinity"}},
      {"Bf16Nan", DType::kBF16, put(kRow * 512 + 510, uint16_t{0x7fc0}), {"row 200", "NaN"}},
      {"Q8ScaleNan", DType::kQ8_0, put(kRow * 272 + 34, kHalfNan), {"row 200", "NaN"}},
      {"Q6kScaleInfinite", DType::kQ6_K, put(kRow * 210 + 208, kHalfInf), {"row 200", "infinity"}},
  };
}

class BadData : public testing::TestWithParam<BadBytes> {};

TEST_P(BadData, IsRefusedNamingTensorAndPlace) {
  TinyModel model = TinyModel::named("bitnet-25");
  model.recode(kTensor, GetParam().dtype);
  ASSERT_NE(test::load_model(model), nullptr) << "the file must load before it is damaged";
  GetParam().edit(model.tensor(kTensor).data);
  const test::TempDir folder;
  const std::string path = folder.file("bad.gguf");
  model.write(path);
  for (const int n_threads : {1, 3}) {
    const auto loaded = Model::load(test::engine("", n_threads), path);
    ASSERT_FALSE(loaded);
    const Error& error = loaded.error();
    EXPECT_EQ(error.code, ErrorCode::kCorrupt);
    EXPECT_NE(error.message.find(path), std::string::npos) << error.message;
    EXPECT_NE(error.message.find(kTensor), std::string::npos) << error.message;
    for (const std::string& part : GetParam().message) {
      EXPECT_NE(error.message.find(part), std::string::npos) << error.message;
    }
    EXPECT_FALSE(error.hint.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(AllFormats, BadData, testing::ValuesIn(bad_bytes()),
                         [](const testing::TestParamInfo<BadBytes>& row) {
                           return row.param.name;
                         });

// Of several faults the first in the file is named, however many threads look for them.
TEST(BadDataOfManyRows, NamesTheFirst) {
  TinyModel model = TinyModel::named("bitnet-25");
  for (const size_t row : {40u, 41u, 100u, 170u, 255u}) {
    test::put_le(model.tensor(kTensor).data, row * 64, uint8_t{0xff});
  }
  const test::TempDir folder;
  const std::string path = folder.file("bad.gguf");
  model.write(path);
  for (const int n_threads : {1, 2, 3}) {
    const auto loaded = Model::load(test::engine("", n_threads), path);
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().message.find("row 40,"), std::string::npos) << loaded.error().message;
  }
}

struct BadVector {
  std::string name;
  const char* model;
  const char* tensor;
  float value;
  std::string message;
};

void PrintTo(const BadVector& bad, std::ostream* out) { *out << bad.name; }

class BadValue : public testing::TestWithParam<BadVector> {};

TEST_P(BadValue, IsRefusedNamingTheTensor) {
  const BadVector& bad = GetParam();
  TinyModel model = TinyModel::named(bad.model);
  std::vector<float> values = model.floats(bad.tensor);
  values[values.size() / 2] = bad.value;
  model.store(bad.tensor, values, model.tensor(bad.tensor).dtype);
  const test::TempDir folder;
  const std::string path = folder.file("bad.gguf");
  model.write(path);
  const auto loaded = Model::load(test::engine(), path, test::tiny_options(bad.model));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(loaded.error().message.find(bad.tensor), std::string::npos) << loaded.error().message;
  EXPECT_NE(loaded.error().message.find(bad.message), std::string::npos) << loaded.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Vectors, BadValue,
    testing::Values(
        BadVector{"NormNan", "llama", "blk.1.attn_norm.weight", std::nanf(""), "NaN"},
        BadVector{"NormInfinite", "llama", "output_norm.weight", HUGE_VALF, "infinity"},
        BadVector{"SubNormNan", "bitnet-25", "blk.0.ffn_sub_norm.weight", std::nanf(""), "NaN"},
        BadVector{"HeadNormInfinite", "qwen3", "blk.0.attn_k_norm.weight", -HUGE_VALF, "infinity"},
        BadVector{"EmbeddingNan", "llama", "token_embd.weight", std::nanf(""), "row 143"},
        BadVector{"HeadInfinite", "llama", "output.weight", HUGE_VALF, "row 143"},
        BadVector{"ScaleTensorNan", "bitnet", "blk.0.attn_q.scale", std::nanf(""), "NaN"},
        BadVector{"ScaleTensorInfinite", "bitnet", "blk.0.attn_q.scale", HUGE_VALF, "infinity"},
        BadVector{"RopeFactorNan", "llama-rope-llama3", "rope_freqs.weight", std::nanf(""), "NaN"},
        BadVector{"RopeFactorZero", "llama-rope-llama3", "rope_freqs.weight", 0.0f, "positive"},
        BadVector{"RopeFactorTiny", "llama-rope-llama3", "rope_freqs.weight", 1e-40f, "rotation"},
        BadVector{"RopeFactorNegative", "llama-rope-llama3", "rope_freqs.weight", -1.0f,
                  "positive"}),
    [](const testing::TestParamInfo<BadVector>& row) { return row.param.name; });

// Both are numbers, their product is none.
TEST(BadScale, ThatOverflowsWithItsScaleTensorIsRefused) {
  for (const DType dtype : {DType::kI2_S, DType::kIQ2_BN}) {
    TinyModel model = TinyModel::named("llama");
    tensor::TernaryMatrix matrix = model.ternary(kTensor);
    matrix.scales[0] = 3e38f;
    model.store(kTensor, matrix, dtype).add_dense("blk.0.ffn_up.scale", {1}, {100.0f});
    const test::TempDir folder;
    model.write(folder.file("bad.gguf"));
    const auto loaded = Model::load(test::engine(), folder.file("bad.gguf"));
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(loaded.error().message.find("blk.0.ffn_up.scale"), std::string::npos)
        << loaded.error().message;
  }
}

// Finite weights whose products are not: found when it happens, before anything is sampled.
TEST(BadScale, ThatOverflowsWhileComputingIsRefusedThen) {
  for (const char* name : {"output_norm.weight", "blk.0.ffn_norm.weight"}) {
    TinyModel model = TinyModel::named("llama");
    model.store(name, std::vector<float>(256, 3e38f), DType::kF32);
    const auto loaded = test::load_model(model);
    ASSERT_NE(loaded, nullptr);
    auto session = Session::create(loaded);
    ASSERT_TRUE(session) << session.error().message;
    const auto ids = test::some_ids(4, 287);
    bool called = false;
    const auto result =
        (*session)->eval(ids, 0, [&called](size_t, std::span<const float>) { called = true; });
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(result.error().message.find("not finite"), std::string::npos)
        << result.error().message;
    EXPECT_FALSE(called);
    EXPECT_TRUE((*session)->tokens().empty());
  }
}

// An infinite logit is no more use to a sampler than NaN. One large weight per row of the head
// makes the sum of one product, which overflows and is not NaN.
TEST(BadScale, ThatMakesLogitsInfiniteIsRefused) {
  TinyModel model = TinyModel::named("llama");
  std::vector<float> head(287 * 256);
  for (size_t row = 0; row < 256; ++row) head[row * 256 + row] = 3e38f;
  model.store("output.weight", head, DType::kF32);
  model.store("output_norm.weight", std::vector<float>(256, 10.0f), DType::kF32);
  const auto loaded = test::load_model(model);
  ASSERT_NE(loaded, nullptr);
  auto session = Session::create(loaded);
  ASSERT_TRUE(session) << session.error().message;
  const auto result = (*session)->eval(test::some_ids(2, 287));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE((*session)->logits().empty());
}

}  // namespace
}  // namespace tern
