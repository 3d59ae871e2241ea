#include <gtest/gtest.h>

#include "tensor/dtype_table.h"

namespace tern::tensor {
namespace {

gguf::Metadata metadata_of(const std::string& arch, uint64_t alignment = 0) {
  gguf::Metadata metadata;
  EXPECT_TRUE(metadata.add("general.architecture", {gguf::ValueType::kString, arch}));
  if (alignment != 0) {
    EXPECT_TRUE(metadata.add("general.alignment", {gguf::ValueType::kU32, alignment}));
  }
  return metadata;
}

Result<gguf::ResolvedType> resolve(uint32_t id, std::vector<uint64_t> shape, uint64_t available,
                                   const gguf::Metadata& metadata = metadata_of("llama"),
                                   I2sLayout layout = I2sLayout::kX86) {
  gguf::TensorInfo info;
  info.name = "blk.0.ffn_up.weight";
  info.shape = std::move(shape);
  info.type_id = id;
  return type_resolver(layout)(info, available, metadata);
}

void expect_type(const Result<gguf::ResolvedType>& result, DType dtype, uint64_t n_bytes) {
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->type, static_cast<int32_t>(dtype))
      << format_of(static_cast<DType>(result->type)).name;
  EXPECT_EQ(result->n_bytes, n_bytes);
}

void expect_error(const Result<gguf::ResolvedType>& result, ErrorCode code,
                  std::initializer_list<const char*> parts) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_NE(result.error().message.find("blk.0.ffn_up.weight"), std::string::npos)
      << result.error().message;
  for (const char* part : parts) {
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  }
}

uint64_t align_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

TEST(TypeResolver, IdsWithOneMeaning) {
  for (const Format& format : all_formats()) {
    const uint32_t id = format.gguf_id;
    if (format.kind == FormatKind::kRefused || format.dtype == DType::kI2_S_ARM || id == 42)
      continue;
    SCOPED_TRACE(format.name);
    const std::vector<uint64_t> shape = {8, 768};
    const uint64_t n_bytes = tensor_bytes(format, shape).value();
    expect_type(resolve(id, shape, n_bytes), format.dtype, n_bytes);
    expect_type(resolve(id, shape, align_up(n_bytes, 32)), format.dtype, n_bytes);
    expect_type(resolve(id, shape, n_bytes + 100000), format.dtype, n_bytes);
  }
}

TEST(TypeResolver, NormsScalarsAndVectors) {
  expect_type(resolve(0, {2560}, 10240), DType::kF32, 10240);
  expect_type(resolve(0, {}, 32), DType::kF32, 4);
}

TEST(TypeResolver, I2SLayoutIsTheCallers) {
  expect_type(resolve(36, {3, 64}, 96, metadata_of("bitnet-b1.58"), I2sLayout::kArm),
              DType::kI2_S_ARM, 48 + 32);
  expect_type(resolve(36, {6, 64}, 128), DType::kI2_S, 96 + 32);
  expect_error(resolve(36, {3, 64}, 96), ErrorCode::kUnsupported, {"multiple of 128"});
  // 4.5 bits per weight is what llama.cpp once had under this id.
  expect_error(resolve(36, {256, 2560}, 256 * 2560 / 32 * 18), ErrorCode::kUnsupported, {"IQ4_NL"});
}

TEST(TypeResolver, Tl1IsListedWithTheBytesItHas) {
  expect_type(resolve(38, {3200, 8640}, 3200 * 8640 / 4 + 32, metadata_of("bitnet")), DType::kTL1,
              3200 * 8640 / 4 + 32);
  expect_error(resolve(38, {3200, 8640}, 3200 * 8640 / 4 - 32, metadata_of("bitnet")),
               ErrorCode::kCorrupt, {"TL1", "6912000"});
}

// (k - 256) * m / 3 * 5 / 8 + 256 * m / 2 * 4 / 8, rounded up to 32, plus 32.
constexpr uint64_t kTl2Least = (8640ull - 256) * 3200 / 3 * 5 / 8 + 256ull * 3200 / 2 * 4 / 8;

TEST(TypeResolver, Id39IsTl2OrMxfp4) {
  const uint64_t stored = align_up(kTl2Least, 32) + 32;
  expect_type(resolve(39, {3200, 8640}, stored, metadata_of("bitnet")), DType::kTL2, stored);
  expect_type(resolve(39, {3200, 8640}, kTl2Least, metadata_of("llama")), DType::kTL2, kTl2Least);
  // Last in the file, with something behind.
  expect_type(resolve(39, {3200, 8640}, stored + 5000, metadata_of("bitnet")), DType::kTL2,
              stored + 5000);
  const uint64_t mxfp4 = 3200ull * 8640 / 32 * 17;
  expect_error(resolve(39, {3200, 8640}, mxfp4, metadata_of("gpt-oss")), ErrorCode::kUnsupported,
               {"MXFP4", "39"});
  expect_error(resolve(39, {3200, 8640}, mxfp4, metadata_of("llama")), ErrorCode::kUnsupported,
               {"MXFP4"});
  // An architecture that bitnet.cpp does not write, and too few bytes for MXFP4.
  expect_error(resolve(39, {3200, 8640}, stored, metadata_of("gpt-oss")), ErrorCode::kCorrupt,
               {"MXFP4", "TL2"});
}

TEST(TypeResolver, Id42IsQ2InTwoSizesOrTl2) {
  const std::vector<uint64_t> shape = {1024, 2560};
  const uint64_t n = 1024 * 2560;
  expect_type(resolve(42, shape, n / 64 * 18, metadata_of("qwen3")), DType::kQ2_0_G64, n / 64 * 18);
  expect_type(resolve(42, shape, n / 128 * 34, metadata_of("qwen3")), DType::kQ2_0_G128,
              n / 128 * 34);
  expect_type(resolve(42, {3200, 8640}, align_up(kTl2Least, 32) + 32, metadata_of("bitnet")),
              DType::kTL2, align_up(kTl2Least, 32) + 32);
  // Padding to the next tensor, by the file's own alignment.
  expect_type(resolve(42, {3, 192}, align_up(9 * 18, 32)), DType::kQ2_0_G64, 9 * 18);
  expect_type(resolve(42, {5, 2560}, align_up(5 * 20 * 34, 256), metadata_of("qwen3", 256)),
              DType::kQ2_0_G128, 5 * 20 * 34);
  expect_type(resolve(42, {512, 2560}, align_up(512 * 20 * 34, 4096), metadata_of("qwen3", 4096)),
              DType::kQ2_0_G128, 512 * 20 * 34);
  // Rows of 64 k that are no multiple of 128 can only be g64.
  expect_type(resolve(42, {1, 192}, 64), DType::kQ2_0_G64, 54);
  // The last tensor of a file may have anything behind it.
  expect_type(resolve(42, shape, n / 64 * 18 + 777, metadata_of("qwen3")), DType::kQ2_0_G64,
              n / 64 * 18);
  expect_type(resolve(42, shape, n / 128 * 34 + 777, metadata_of("qwen3")), DType::kQ2_0_G128,
              n / 128 * 34);
  expect_error(resolve(42, shape, n / 128 * 34 - 1, metadata_of("qwen3")), ErrorCode::kCorrupt,
               {"696319", "737280", "696320"});
  expect_error(resolve(42, {4, 100}, 4096, metadata_of("qwen3")), ErrorCode::kCorrupt,
               {"impossible"});
}

TEST(TypeResolver, Ids142And143ArePrismsBySize) {
  const std::vector<uint64_t> shape = {1024, 2560};
  const uint64_t rows = 1024;
  expect_type(resolve(142, shape, rows * 20 * 34), DType::kPQ2_0, rows * 20 * 34);
  expect_type(resolve(143, shape, rows * 20 * 28), DType::kPTQ1_0, rows * 20 * 28);
  expect_type(resolve(143, shape, rows * 20 * 28 + 4321), DType::kPTQ1_0, rows * 20 * 28);
  expect_error(resolve(142, shape, rows * (2560 / 4 + 4)), ErrorCode::kUnsupported, {"IQ2_TN"});
  expect_error(resolve(143, shape, rows * (2560 / 64 * 13 + 2)), ErrorCode::kUnsupported,
               {"IQ1_TN"});
  expect_error(resolve(142, shape, 1000), ErrorCode::kCorrupt, {"PQ2_0", "696320", "1000"});
  expect_error(resolve(142, {4, 192}, 1000), ErrorCode::kCorrupt, {"PQ2_0", "multiple of 128"});
}

TEST(TypeResolver, OtherTypesAreRefusedByName) {
  const std::pair<uint32_t, const char*> known[] = {
      {3, "Q4_1"},       {4, "removed"},  {7, "Q5_1"},      {10, "Q2_K"},     {16, "IQ2_XXS"},
      {20, "IQ4_NL"},    {26, "I32"},     {28, "F64"},      {29, "IQ1_M"},    {31, "removed"},
      {37, "I8_S"},      {40, "NVFP4"},   {133, "Q6_0"},    {139, "IQ4_K"},   {144, "IQ4_KS"},
      {150, "ik_llama"}, {158, "IQ1_KT"}, {210, "Q2_K_R4"}, {214, "Q6_K_R4"}, {233, "Q6_0_R4"},
  };
  for (const auto& [id, name] : known) {
    const auto result = resolve(id, {256, 2560}, 1 << 20);
    expect_error(result, ErrorCode::kUnsupported, {name, std::to_string(id).c_str()});
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().hint.find("TQ2_0"), std::string::npos) << result.error().hint;
    EXPECT_NE(result.error().hint.find("Q6_K"), std::string::npos) << result.error().hint;
    EXPECT_EQ(result.error().hint.find("TL1"), std::string::npos) << result.error().hint;
  }
  for (const uint32_t id : {43u, 99u, 200u, 1000u, 0xffffffffu}) {
    expect_error(resolve(id, {256, 2560}, 1 << 20), ErrorCode::kUnsupported,
                 {std::to_string(id).c_str(), "does not know"});
  }
}

TEST(TypeResolver, ShapesThatDoNotSuitNameTheTensor) {
  expect_error(resolve(35, {4, 640}, 4096), ErrorCode::kCorrupt, {"TQ2_0", "640"});
}

}  // namespace
}  // namespace tern::tensor
