#include "tensor/ternary_weights.h"

#include <gtest/gtest.h>

#include <random>

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

// Byte 4r + j of a line, bits 2n..2n+1: code of row r, k = 4n + j.
TEST(PackTile, PutsCodesWhereTheKernelsLookForThem) {
  constexpr size_t kLine = kernels::kLineBytes;
  for (const size_t n_rows : {size_t{1}, size_t{5}, size_t{15}, size_t{16}}) {
    for (const size_t k :
         {size_t{1}, size_t{15}, size_t{16}, size_t{17}, size_t{64}, size_t{100}}) {
      SCOPED_TRACE(testing::Message() << n_rows << " x " << k << ", seed " << kSeed);
      const std::vector<uint8_t> codes = random_codes(n_rows * k);
      const size_t n_lines = (k + 15) / 16;
      std::vector<uint8_t> lines(n_lines * kLine + 64, 0xee);
      pack_tile_t2(codes.data(), n_rows, k, lines.data());
      for (size_t row = 0; row < 16; ++row) {
        for (size_t col = 0; col < n_lines * 16; ++col) {
          const uint8_t byte = lines[col / 16 * kLine + 4 * row + col % 4];
          const int found = byte >> (2 * (col % 16 / 4)) & 3;
          const int expected = row < n_rows && col < k ? codes[row * k + col] : 1;
          ASSERT_EQ(found, expected) << "row " << row << ", column " << col;
        }
      }
      for (size_t i = n_lines * kLine; i < lines.size(); ++i) ASSERT_EQ(lines[i], 0xee);
    }
  }
}

class RoundTrip : public testing::TestWithParam<std::pair<size_t, size_t>> {};

// Packs a whole matrix and gives it scales of each scope; every row decodes to code times scale.
TEST_P(RoundTrip, RowsDecodeToCodeTimesScale) {
  const auto [n_rows, k] = GetParam();
  const std::vector<uint8_t> codes = random_codes(n_rows * k);
  auto weights = TernaryWeights::allocate(n_rows, k);
  ASSERT_TRUE(weights) << weights.error().message;
  for (size_t tile = 0; tile < weights->n_tiles(); ++tile) {
    pack_tile_t2(codes.data() + tile * 16 * k, std::min<size_t>(16, n_rows - tile * 16), k,
                 weights->tile(tile));
  }
  std::mt19937 random(kSeed);
  for (const size_t stored_group : {size_t{0}, k, size_t{64}, size_t{128}}) {
    for (const size_t asked : {size_t{0}, size_t{64}}) {
      ScaleGrid grid;
      size_t n_groups = 1;
      if (stored_group == 0) {
        grid.values = {0.375f};
      } else {
        grid.scope = stored_group == k ? ScaleScope::kRow : ScaleScope::kGroup;
        grid.group = stored_group == k ? 0 : stored_group;
        n_groups = stored_group == k ? 1 : (k + stored_group - 1) / stored_group;
        grid.values.resize(n_rows * n_groups);
        for (float& s : grid.values) s = static_cast<float>(random() % 1000 + 1) / 512.0f;
      }
      const auto set = weights->set_scales(grid, asked);
      ASSERT_TRUE(set) << set.error().message;
      EXPECT_EQ(weights->scale_scope(), grid.scope);
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

INSTANTIATE_TEST_SUITE_P(Shapes, RoundTrip,
                         testing::Values(std::pair<size_t, size_t>{1, 16},
                                         std::pair<size_t, size_t>{16, 64},
                                         std::pair<size_t, size_t>{17, 128},
                                         std::pair<size_t, size_t>{40, 320},
                                         std::pair<size_t, size_t>{33, 100}));

// What the plan promises before loading is what a loaded matrix takes, or more.
TEST(EstimateBytes, CoversWhatIsAllocated) {
  for (const size_t n_rows : {1u, 16u, 250u}) {
    for (const size_t k : {64u, 100u, 768u}) {
      auto weights = TernaryWeights::allocate(n_rows, k);
      ASSERT_TRUE(weights);
      ScaleGrid grid;
      grid.scope = ScaleScope::kGroup;
      grid.group = 64;
      grid.values.resize(n_rows * ((k + 63) / 64), 1.0f);
      ASSERT_TRUE(weights->set_scales(grid));
      EXPECT_EQ(weights->resident_bytes(), TernaryWeights::estimate_bytes(n_rows, k, 64));
    }
  }
}

}  // namespace
}  // namespace tern::tensor
