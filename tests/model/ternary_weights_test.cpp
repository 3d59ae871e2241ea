#include "tensor/ternary_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>
#include <tuple>

namespace tern::tensor {
namespace {

constexpr uint32_t kSeed = 99;

std::vector<uint8_t> random_codes(size_t n) {
  std::mt19937 random(kSeed);
  std::vector<uint8_t> codes(n);
  for (uint8_t& code : codes) code = static_cast<uint8_t>(random() % 3);
  return codes;
}

TEST(CollapseScales, OneValueBecomesOneForTheTensor) {
  const ScaleGrid grid = collapse_scales(std::vector<float>(5 * 3, 0.25f), 5, 300, 128);
  EXPECT_EQ(grid.scope, ScaleScope::kTensor);
  EXPECT_EQ(grid.values, std::vector<float>{0.25f});
}

TEST(CollapseScales, ValuesEqualWithinRowsBecomeOnePerRow) {
  const ScaleGrid grid = collapse_scales({1, 1, 1, 2, 2, 2}, 2, 300, 128);
  EXPECT_EQ(grid.scope, ScaleScope::kRow);
  EXPECT_EQ(grid.values, (std::vector<float>{1, 2}));
}

TEST(CollapseScales, ValuesEqualInPairsBecomeCoarserGroups) {
  // Eight groups of 64 in two rows, equal in fours.
  const std::vector<float> scales = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4};
  const ScaleGrid grid = collapse_scales(scales, 2, 512, 64);
  EXPECT_EQ(grid.scope, ScaleScope::kGroup);
  EXPECT_EQ(grid.group, 256u);
  EXPECT_EQ(grid.values, (std::vector<float>{1, 2, 3, 4}));
}

TEST(CollapseScales, OneRowThatDiffersKeepsTheGroups) {
  const std::vector<float> scales = {1, 1, 1, 1, 1, 2, 1, 1};
  const ScaleGrid grid = collapse_scales(scales, 2, 512, 128);
  EXPECT_EQ(grid.scope, ScaleScope::kGroup);
  EXPECT_EQ(grid.group, 128u);
  EXPECT_EQ(grid.values, scales);
}

// The last group of a row has no partner where their number is odd.
TEST(CollapseScales, AnOddLastGroupStandsForItself) {
  const ScaleGrid grid = collapse_scales({1, 1, 2, 3, 3, 4}, 2, 320, 128);
  EXPECT_EQ(grid.scope, ScaleScope::kGroup);
  EXPECT_EQ(grid.group, 256u);
  EXPECT_EQ(grid.values, (std::vector<float>{1, 2, 3, 4}));
  const ScaleGrid row = collapse_scales({1, 1, 1, 3, 3, 3}, 2, 320, 128);
  EXPECT_EQ(row.scope, ScaleScope::kRow);
}

TEST(CollapseScales, OneGroupPerRowIsAScalePerRow) {
  const ScaleGrid grid = collapse_scales({1, 2, 3}, 3, 128, 128);
  EXPECT_EQ(grid.scope, ScaleScope::kRow);
  EXPECT_EQ(grid.values, (std::vector<float>{1, 2, 3}));
}

// Where kernel_table.h says that the code of a column lies.
int code_at(TernaryLayout layout, const uint8_t* lines, size_t row, size_t col) {
  if (layout == TernaryLayout::kL2) {
    const uint8_t byte = lines[col / 16 * kernels::kLineBytes + col % 16 / 4 * 16 + row];
    const int pair = col % 4 < 2 ? byte % 16 : byte / 16;
    return col % 2 == 0 ? pair / 3 : pair % 3;
  }
  const bool t5 = layout == TernaryLayout::kT5;
  const size_t line_k = t5 ? 20 : 16;
  const uint8_t byte = lines[col / line_k * kernels::kLineBytes + 4 * row + col % 4];
  const size_t n = col % line_k / 4;
  if (!t5) return byte >> (2 * n) & 3;
  // The centred fraction, times 243 / 256, is sum (code - 1) * 3^(4 - n).
  int value = static_cast<int>(std::lround(static_cast<int8_t>(byte) * 243.0 / 256.0)) + 121;
  for (size_t i = 4; i > n; --i) value /= 3;
  return value % 3;
}

class Layouts : public testing::TestWithParam<TernaryLayout> {};

std::string layout_name(const testing::TestParamInfo<TernaryLayout>& info) {
  return layout_row(info.param).name;
}

TEST_P(Layouts, PackPutsCodesWhereTheKernelsLookForThem) {
  constexpr size_t kLine = kernels::kLineBytes;
  const LayoutRow& layout = layout_row(GetParam());
  ASSERT_EQ(layout.layout, GetParam());
  const size_t line_k = GetParam() == TernaryLayout::kT5 ? 20 : 16;
  for (const size_t n_rows : {size_t{1}, size_t{5}, size_t{15}, size_t{16}}) {
    for (const size_t k :
         {size_t{1}, size_t{15}, size_t{16}, size_t{17}, size_t{64}, size_t{80}, size_t{100}}) {
      SCOPED_TRACE(testing::Message() << n_rows << " x " << k << ", seed " << kSeed);
      const std::vector<uint8_t> codes = random_codes(n_rows * k);
      // All layouts cover k up to a multiple of 16.
      const size_t n_lines = ((k + 15) / 16 * 16 + line_k - 1) / line_k;
      ASSERT_EQ(layout.tile_lines(k), n_lines);
      std::vector<uint8_t> lines(n_lines * kLine + 64, 0xee);
      layout.pack_tile(codes.data(), n_rows, k, lines.data());
      for (size_t row = 0; row < 16; ++row) {
        for (size_t col = 0; col < n_lines * line_k; ++col) {
          const int expected = row < n_rows && col < k ? codes[row * k + col] : 1;
          ASSERT_EQ(code_at(GetParam(), lines.data(), row, col), expected)
              << "row " << row << ", column " << col;
        }
      }
      for (size_t i = n_lines * kLine; i < lines.size(); ++i) ASSERT_EQ(lines[i], 0xee);
    }
  }
}

// One byte for each of the 243 combinations, and none of the other 13.
TEST(T5, HasOneByteForFiveCodes) {
  const LayoutRow& layout = layout_row(TernaryLayout::kT5);
  std::set<uint8_t> bytes;
  for (int value = 0; value < 243; ++value) {
    std::vector<uint8_t> codes(20, 1);
    for (int n = 4, left = value; n >= 0; --n, left /= 3) {
      codes[static_cast<size_t>(4 * n)] = static_cast<uint8_t>(left % 3);
    }
    std::vector<uint8_t> lines(2 * kernels::kLineBytes);
    layout.pack_tile(codes.data(), 1, codes.size(), lines.data());
    EXPECT_TRUE(bytes.insert(lines[0]).second) << value;
    // The opposite weights are the opposite byte.
    for (uint8_t& code : codes) code = static_cast<uint8_t>(2 - code);
    const int byte = static_cast<int8_t>(lines[0]);
    layout.pack_tile(codes.data(), 1, codes.size(), lines.data());
    EXPECT_EQ(static_cast<int8_t>(lines[0]), -byte);
  }
}

using Shape = std::pair<size_t, size_t>;
class RoundTrip : public testing::TestWithParam<std::tuple<TernaryLayout, Shape>> {};

// Packs a whole matrix and gives it scales of each scope; every row decodes to code times scale.
TEST_P(RoundTrip, RowsDecodeToCodeTimesScale) {
  const auto [layout, shape] = GetParam();
  const auto [n_rows, k] = shape;
  const std::vector<uint8_t> codes = random_codes(n_rows * k);
  auto weights = TernaryWeights::allocate(layout, n_rows, k);
  ASSERT_TRUE(weights) << weights.error().message;
  for (size_t tile = 0; tile < weights->n_tiles(); ++tile) {
    weights->layout().pack_tile(codes.data() + tile * 16 * k,
                                std::min<size_t>(16, n_rows - tile * 16), k, weights->tile(tile));
  }
  std::mt19937 random(kSeed);
  for (const size_t stored_group : {size_t{0}, k, size_t{64}, size_t{128}}) {
    // Scales that half precision holds, and such that it does not.
    for (const auto& [asked, divisor] :
         {std::pair(size_t{0}, 512.0f), {size_t{64}, 512.0f}, {size_t{0}, 3.0f}}) {
      ScaleGrid grid;
      size_t n_groups = 1;
      if (stored_group == 0) {
        grid.values = {0.375f};
      } else {
        grid.scope = stored_group == k ? ScaleScope::kRow : ScaleScope::kGroup;
        grid.group = stored_group == k ? 0 : stored_group;
        n_groups = stored_group == k ? 1 : (k + stored_group - 1) / stored_group;
        grid.values.resize(n_rows * n_groups);
        for (float& s : grid.values) s = static_cast<float>(random() % 1000 + 1) / divisor;
      }
      auto set = weights->set_scales(grid);
      if (set && asked != 0 && grid.scope == ScaleScope::kGroup)
        set = weights->refine_scales(asked);
      ASSERT_TRUE(set) << set.error().message;
      EXPECT_EQ(weights->scale_scope(), grid.scope);
      EXPECT_EQ(weights->has_half_scales(), grid.scope == ScaleScope::kGroup && divisor == 512.0f);
      if (grid.scope == ScaleScope::kGroup) {
        EXPECT_EQ(weights->scale_group(), asked == 0 ? stored_group : asked);
      }
      std::vector<float> row(k);
      for (size_t r = 0; r < n_rows; ++r) {
        weights->dequantize_row(r, row.data());
        for (size_t c = 0; c < k; ++c) {
          const float scale = grid.scope == ScaleScope::kTensor ? grid.values[0]
                              : grid.scope == ScaleScope::kRow
                                  ? grid.values[r]
                                  : grid.values[r * n_groups + c / stored_group];
          ASSERT_EQ(row[c], static_cast<float>(codes[r * k + c] - 1) * scale)
              << "row " << r << ", column " << c << ", group " << stored_group;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    , RoundTrip,
    testing::Combine(testing::Values(TernaryLayout::kT2, TernaryLayout::kT5, TernaryLayout::kL2),
                     testing::Values(Shape{1, 16}, Shape{16, 64}, Shape{17, 128}, Shape{40, 320},
                                     Shape{33, 100})));

// What the plan promises before loading is what a loaded matrix takes, or more.
TEST_P(Layouts, EstimateIsWhatIsAllocated) {
  for (const size_t n_rows : {1u, 16u, 250u}) {
    for (const size_t k : {64u, 100u, 768u}) {
      auto weights = TernaryWeights::allocate(GetParam(), n_rows, k);
      ASSERT_TRUE(weights);
      ScaleGrid grid;
      grid.scope = ScaleScope::kGroup;
      grid.group = 64;
      grid.values.resize(n_rows * ((k + 63) / 64), 1.0f);
      ASSERT_TRUE(weights->set_scales(grid));
      EXPECT_TRUE(weights->has_half_scales() || k <= 64);
      EXPECT_EQ(weights->resident_bytes(),
                TernaryWeights::estimate_bytes(GetParam(), n_rows, k, 64, sizeof(uint16_t)));
      // One value that half precision does not hold, and all are floats.
      grid.values.back() = 1.0f / 3.0f;
      ASSERT_TRUE(weights->set_scales(grid));
      EXPECT_FALSE(weights->has_half_scales());
      EXPECT_EQ(weights->resident_bytes(),
                TernaryWeights::estimate_bytes(GetParam(), n_rows, k, 64, sizeof(float)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, Layouts,
                         testing::Values(TernaryLayout::kT2, TernaryLayout::kT5,
                                         TernaryLayout::kL2),
                         layout_name);

}  // namespace
}  // namespace tern::tensor
