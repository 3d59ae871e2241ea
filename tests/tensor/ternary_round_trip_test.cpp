#include <gtest/gtest.h>

#include <cstring>

#include "tensor/dtype_table.h"
#include "test_matrix.h"

namespace tern::tensor {
namespace {

class TernaryRoundTrip : public ::testing::TestWithParam<const Format*> {
 protected:
  // Packs, checks the size, unpacks all rows and checks codes and scales.
  void check(const TernaryMatrix& matrix) {
    const Format& format = *GetParam();
    SCOPED_TRACE(::testing::Message() << matrix.n_rows << " x " << matrix.k << ", seed " << kSeed);
    const auto packed = format.pack(matrix);
    ASSERT_TRUE(packed) << packed.error().message;
    const uint64_t shape[] = {matrix.n_rows, matrix.k};
    const auto n_bytes = tensor_bytes(format, shape);
    ASSERT_TRUE(n_bytes) << n_bytes.error().message;
    ASSERT_EQ(packed->size(), *n_bytes);
    const Unpacked all = unpack_rows(format, *packed, matrix.k, 0, matrix.n_rows);
    ASSERT_EQ(all.fault.kind, UnpackFault::Kind::kNone) << describe(all.fault);
    EXPECT_TRUE(all.canaries_intact);
    EXPECT_TRUE(all.codes == matrix.codes);
    if (format.scope == ScaleScope::kTensor) {
      float scale;
      std::memcpy(&scale, packed->data() + tensor_scale_offset(format, matrix.n_rows, matrix.k),
                  sizeof scale);
      EXPECT_EQ(scale, matrix.scales[0]);
      return;
    }
    const uint64_t per_row = scales_per_row(format, matrix.k);
    ASSERT_EQ(all.scales.size(), matrix.n_rows * per_row);
    for (uint64_t row = 0; row < matrix.n_rows; ++row) {
      for (uint64_t i = 0; i < per_row; ++i) {
        ASSERT_EQ(all.scales[row * per_row + i], matrix.scale_at(row, i * format.scale_group));
      }
    }
  }

  // Row counts that the format can have with rows of k elements.
  bool fits(uint64_t n_rows, uint64_t k) const {
    const Format& format = *GetParam();
    if (format.rows_straddle) return n_rows * k % format.block_elems == 0;
    return k % format.block_elems == 0 && n_rows % format.rows_together == 0;
  }
};

class TernaryF32RoundTrip : public TernaryRoundTrip {};
class TernaryStreamRoundTrip : public TernaryRoundTrip {};

TEST_P(TernaryRoundTrip, KeepsCodesAndScalesAtEveryNumberOfRows) {
  std::mt19937 random(kSeed);
  const uint64_t block = GetParam()->block_elems;
  for (const uint64_t k : {block, 3 * block, uint64_t{768}}) {
    for (uint64_t n_rows = 1; n_rows <= 17; ++n_rows) {
      if (fits(n_rows, k)) check(random_matrix(*GetParam(), n_rows, k, random));
    }
  }
}

TEST_P(TernaryRoundTrip, KeepsRowsOfRealModels) {
  std::mt19937 random(kSeed);
  for (const uint64_t k : {2560u, 4096u, 6912u, 14336u}) {
    check(random_matrix(*GetParam(), 4, k, random));
  }
}

TEST_P(TernaryRoundTrip, KeepsExtremeCodes) {
  std::mt19937 random(kSeed);
  for (const uint8_t code : {uint8_t{0}, uint8_t{1}, uint8_t{2}}) {
    if (GetParam()->dtype == DType::kQ1_0 && code == 1) continue;
    TernaryMatrix matrix = random_matrix(*GetParam(), 4, 512, random);
    std::fill(matrix.codes.begin(), matrix.codes.end(), code);
    check(matrix);
  }
}

// A container with finer scales than the matrix repeats them.
TEST_P(TernaryRoundTrip, KeepsCoarserScales) {
  const Format& format = *GetParam();
  std::mt19937 random(kSeed);
  TernaryMatrix matrix = random_matrix(format, 8, 1024, random);
  matrix.scope = ScaleScope::kTensor;
  matrix.scales = {-0.75f};
  check(matrix);
  if (format.scope == ScaleScope::kTensor) return;
  matrix.scope = ScaleScope::kRow;
  matrix.scales.resize(matrix.n_rows);
  for (float& scale : matrix.scales) scale = random_scale(random);
  check(matrix);
  if (format.scope == ScaleScope::kRow) return;
  matrix.scope = ScaleScope::kGroup;
  matrix.group = 2 * format.scale_group;
  matrix.scales.resize(matrix.n_rows * (matrix.k / matrix.group));
  for (float& scale : matrix.scales) scale = random_scale(random);
  check(matrix);
}

// A matrix with finer scales is held where they are equal over what the container has one for.
TEST_P(TernaryRoundTrip, KeepsFinerScalesThatAreEqual) {
  const Format& format = *GetParam();
  std::mt19937 random(kSeed);
  TernaryMatrix matrix = random_matrix(format, 4, 512, random);
  matrix.scope = ScaleScope::kGroup;
  matrix.group = 32;
  matrix.scales.assign(4 * (512 / 32), 0.125f);
  check(matrix);
}

// f32 scales stay as they are in the containers that store them so.
TEST_P(TernaryF32RoundTrip, KeepsF32ScalesWhereTheContainerHasThem) {
  const Format& format = *GetParam();
  std::mt19937 random(kSeed);
  TernaryMatrix matrix = random_matrix(format, 4, 512, random);
  for (float& scale : matrix.scales) scale = 1.0f / static_cast<float>(3 + random() % 1000);
  check(matrix);
}

TEST_P(TernaryRoundTrip, RangesOfRowsEqualTheWhole) {
  const Format& format = *GetParam();
  std::mt19937 random(kSeed);
  std::vector<uint64_t> ks = {format.block_elems, 3 * format.block_elems, 768};
  if (format.rows_straddle) ks = {96, 40, 8, 8640, 128};
  for (const uint64_t k : ks) {
    const uint64_t n_rows = 16;
    SCOPED_TRACE(::testing::Message() << n_rows << " x " << k << ", seed " << kSeed);
    ASSERT_TRUE(fits(n_rows, k));
    const TernaryMatrix matrix = random_matrix(format, n_rows, k, random);
    const auto packed = format.pack(matrix);
    ASSERT_TRUE(packed) << packed.error().message;
    const Unpacked all = unpack_rows(format, *packed, k, 0, n_rows);
    ASSERT_TRUE(all.codes == matrix.codes);
    const uint64_t step = format.rows_together;
    for (uint64_t begin = 0; begin < n_rows; begin += step) {
      for (uint64_t end = begin + step; end <= n_rows; end += step) {
        const Unpacked part = unpack_rows(format, *packed, k, begin, end);
        ASSERT_EQ(part.fault.kind, UnpackFault::Kind::kNone) << describe(part.fault);
        ASSERT_TRUE(part.canaries_intact);
        ASSERT_TRUE(std::equal(part.codes.begin(), part.codes.end(),
                               all.codes.begin() + static_cast<std::ptrdiff_t>(begin * k)))
            << begin << ".." << end;
        const uint64_t per_row = scales_per_row(format, k);
        ASSERT_TRUE(std::equal(part.scales.begin(), part.scales.end(),
                               all.scales.begin() + static_cast<std::ptrdiff_t>(
                                                        all.scales.empty() ? 0 : begin * per_row)));
      }
    }
  }
}

// 1bitLLM-3B: k = 8640 is 67.5 runs, so every odd row starts in the middle of one.
TEST_P(TernaryStreamRoundTrip, StraddlingRows) {
  const Format& format = *GetParam();
  std::mt19937 random(kSeed);
  const uint64_t shapes[][2] = {{2, 8640}, {6, 8640}, {4, 96}, {128, 1}, {128, 5}, {256, 3}};
  for (const auto& [n_rows, k] : shapes) check(random_matrix(format, n_rows, k, random));
}

INSTANTIATE_TEST_SUITE_P(AllFormats, TernaryRoundTrip,
                         ::testing::ValuesIn(formats_of_kind(FormatKind::kTernary)),
                         format_test_name);
INSTANTIATE_TEST_SUITE_P(AllFormats, TernaryF32RoundTrip,
                         ::testing::ValuesIn(formats_where(has_f32_scales)), format_test_name);
INSTANTIATE_TEST_SUITE_P(AllFormats, TernaryStreamRoundTrip,
                         ::testing::ValuesIn(formats_where([](const Format& format) {
                           return format.rows_straddle;
                         })),
                         format_test_name);

}  // namespace
}  // namespace tern::tensor
