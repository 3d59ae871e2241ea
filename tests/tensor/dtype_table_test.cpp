#include "tensor/dtype_table.h"

#include <gtest/gtest.h>

#include <set>

#include "test_matrix.h"

namespace tern::tensor {
namespace {

TEST(DtypeTable, RowsAreFoundByTypeAndName) {
  std::set<std::string> names;
  for (const Format& format : all_formats()) {
    EXPECT_EQ(&format_of(format.dtype), &format);
    EXPECT_EQ(find_format(format.name), &format);
    EXPECT_TRUE(names.insert(format.name).second) << format.name;
  }
  EXPECT_EQ(find_format("tq2_0"), &format_of(DType::kTQ2_0));
  EXPECT_EQ(find_format("q6_k"), &format_of(DType::kQ6_K));
  EXPECT_EQ(find_format("Q2_0"), &format_of(DType::kQ2_0_G64));
  EXPECT_EQ(find_format("TQ2"), nullptr);
  EXPECT_EQ(find_format("TQ2_00"), nullptr);
  EXPECT_EQ(find_format(""), nullptr);
}

TEST(DtypeTable, RowsAreCompleteForTheirKind) {
  for (const Format& format : all_formats()) {
    SCOPED_TRACE(format.name);
    EXPECT_GE(format.block_elems, 1u);
    EXPECT_GE(format.rows_together, 1u);
    EXPECT_EQ(format.dequantize != nullptr, format.kind == FormatKind::kDense);
    EXPECT_EQ(format.quantize != nullptr, format.kind == FormatKind::kDense);
    EXPECT_EQ(format.unpack != nullptr, format.kind == FormatKind::kTernary);
    EXPECT_EQ(format.pack != nullptr, format.kind == FormatKind::kTernary);
    EXPECT_EQ(format.scale_group != 0,
              format.kind == FormatKind::kTernary && format.scope == ScaleScope::kGroup);
  }
}

TEST(DtypeTable, SizesAndIdsOfTheFormats) {
  struct Row {
    DType dtype;
    uint32_t id;
    uint64_t n_rows;
    uint64_t k;
    uint64_t n_bytes;
  };
  const Row rows[] = {
      {DType::kF32, 0, 3, 5, 60},
      {DType::kF16, 1, 3, 5, 30},
      {DType::kBF16, 30, 3, 5, 30},
      {DType::kQ4_0, 2, 2, 64, 4 * 18},
      {DType::kQ5_0, 6, 2, 64, 4 * 22},
      {DType::kQ8_0, 8, 2, 64, 4 * 34},
      {DType::kQ3_K, 11, 2, 512, 4 * 110},
      {DType::kQ4_K, 12, 2, 512, 4 * 144},
      {DType::kQ5_K, 13, 2, 512, 4 * 176},
      {DType::kQ6_K, 14, 2, 512, 4 * 210},
      {DType::kI2_S, 36, 6912, 2560, 6912 * 2560 / 4 + 32},
      {DType::kI2_S, 36, 3200, 8640, 3200 * 8640 / 4 + 32},
      {DType::kI2_S_ARM, 36, 1, 64, 16 + 32},
      {DType::kTQ1_0, 34, 3, 512, 6 * 54},
      {DType::kTQ2_0, 35, 3, 512, 6 * 66},
      {DType::kQ2_0_G64, 42, 3, 128, 6 * 18},
      {DType::kQ2_0_G128, 42, 3, 256, 6 * 34},
      {DType::kPQ2_0, 142, 3, 256, 6 * 34},
      {DType::kPTQ1_0, 143, 3, 256, 6 * 28},
      {DType::kQ1_0, 41, 3, 256, 6 * 18},
      {DType::kIQ1_BN, 134, 3, 128, 3 * (2 + 2 * 13)},
      {DType::kIQ2_BN, 135, 3, 128, 3 * (4 + 32)},
      {DType::kIQ2_BN_R4, 335, 8, 128, 2 * (16 + 2 * 64)},
  };
  std::set<DType> seen;
  for (const Row& row : rows) {
    const Format& format = format_of(row.dtype);
    SCOPED_TRACE(format.name);
    seen.insert(row.dtype);
    EXPECT_EQ(format.gguf_id, row.id);
    const uint64_t shape[] = {row.n_rows, row.k};
    const auto n_bytes = tensor_bytes(format, shape);
    ASSERT_TRUE(n_bytes) << n_bytes.error().message;
    EXPECT_EQ(*n_bytes, row.n_bytes);
    if (!format.rows_straddle && format.rows_together == 1) {
      EXPECT_EQ(row_bytes(format, row.k) * row.n_rows, row.n_bytes);
    }
  }
  EXPECT_EQ(seen.size() + 2, all_formats().size()) << "all but TL1 and TL2";
}

TEST(DtypeTable, SizesOfScalarsVectorsAndStacks) {
  const Format& f32 = format_of(DType::kF32);
  EXPECT_EQ(tensor_bytes(f32, {}).value(), 4u);
  const uint64_t vector[] = {2560};
  EXPECT_EQ(tensor_bytes(f32, vector).value(), 4u * 2560);
  const uint64_t stack[] = {8, 4, 256};
  EXPECT_EQ(tensor_bytes(format_of(DType::kTQ2_0), stack).value(), 32u * 66);
  EXPECT_EQ(tensor_bytes(format_of(DType::kIQ2_BN_R4), stack).value(), 8u * (16 + 256));
}

TEST(DtypeTable, ShapesThatDoNotSuitAreRefused) {
  const auto refused = [](DType dtype, std::vector<uint64_t> shape, ErrorCode code,
                          const char* part) {
    const auto result = tensor_bytes(format_of(dtype), shape);
    ASSERT_FALSE(result) << format_of(dtype).name;
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  };
  refused(DType::kTQ2_0, {4, 640}, ErrorCode::kCorrupt, "multiple of 256");
  refused(DType::kQ8_0, {4, 31}, ErrorCode::kCorrupt, "multiple of 32");
  refused(DType::kI2_S, {3, 96}, ErrorCode::kUnsupported, "multiple of 128");
  refused(DType::kIQ2_BN_R4, {6, 128}, ErrorCode::kCorrupt, "multiple of 4 rows");
  refused(DType::kIQ2_BN_R4, {128}, ErrorCode::kCorrupt, "multiple of 4 rows");
  // Two experts of two rows make four rows, which do not lie together.
  refused(DType::kIQ2_BN_R4, {2, 2, 128}, ErrorCode::kCorrupt, "multiple of 4 rows");
  refused(DType::kF32, {4, 0}, ErrorCode::kCorrupt, "no elements");
  refused(DType::kF32, {0, 4}, ErrorCode::kCorrupt, "no elements");
  refused(DType::kTL1, {256, 256}, ErrorCode::kUnsupported, "TL1");
  refused(DType::kTL2, {256, 256}, ErrorCode::kUnsupported, "TL2");
}

TEST(DtypeTable, SizesThatOverflowAreRefused) {
  const uint64_t huge = uint64_t{1} << 40;
  for (const Format& format : all_formats()) {
    if (format.kind == FormatKind::kRefused) continue;
    SCOPED_TRACE(format.name);
    for (const std::vector<uint64_t>& shape :
         {std::vector<uint64_t>{huge, huge}, std::vector<uint64_t>{huge, 1 << 20, 1 << 20, 256},
          std::vector<uint64_t>{uint64_t{1} << 63, 512},
          std::vector<uint64_t>{4, uint64_t{1} << 62},
          std::vector<uint64_t>{huge, huge, huge, huge},
          std::vector<uint64_t>{uint64_t{1} << 32, uint64_t{1} << 31}}) {
      const auto result = tensor_bytes(format, shape);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
      EXPECT_NE(result.error().message.find("overflows"), std::string::npos)
          << result.error().message;
    }
  }
  // The elements fit, the bytes do not.
  const uint64_t wide[] = {uint64_t{1} << 31, uint64_t{1} << 31};
  EXPECT_TRUE(tensor_bytes(format_of(DType::kI2_S), wide));
  EXPECT_FALSE(tensor_bytes(format_of(DType::kF32), wide));
}

TEST(DtypeTable, ByteRangesOfRows) {
  const ByteRange tq = byte_range(format_of(DType::kTQ1_0), 512, 2, 5);
  EXPECT_EQ(tq.offset, 2u * 108);
  EXPECT_EQ(tq.n_bytes, 3u * 108);
  EXPECT_EQ(tq.skip_elems, 0u);
  const ByteRange r4 = byte_range(format_of(DType::kIQ2_BN_R4), 128, 4, 12);
  EXPECT_EQ(r4.offset, 144u);
  EXPECT_EQ(r4.n_bytes, 2u * 144);
  // Row 1 of 8640 elements begins 64 elements into run 67; two rows end with run 134.
  const ByteRange odd = byte_range(format_of(DType::kI2_S), 8640, 1, 2);
  EXPECT_EQ(odd.offset, 67u * 32);
  EXPECT_EQ(odd.n_bytes, 68u * 32);
  EXPECT_EQ(odd.skip_elems, 64u);
  const ByteRange even = byte_range(format_of(DType::kI2_S), 8640, 0, 1);
  EXPECT_EQ(even.offset, 0u);
  EXPECT_EQ(even.n_bytes, 68u * 32);
  EXPECT_EQ(even.skip_elems, 0u);
  const ByteRange dense = byte_range(format_of(DType::kQ6_K), 512, 3, 4);
  EXPECT_EQ(dense.offset, 3u * 420);
  EXPECT_EQ(dense.n_bytes, 420u);
  const ByteRange none = byte_range(format_of(DType::kI2_S), 8640, 3, 3);
  EXPECT_EQ(none.n_bytes, 0u);
}

}  // namespace
}  // namespace tern::tensor
