// Every implementation of the ternary product equals the scalar one bit for bit, stays inside its
// buffers, and the scalar one equals the definition written out over plain matrices.
#include <cstring>
#include <numeric>

#include "tests/kernels/isas.h"
#include "tests/support/guarded_buffer.h"

namespace tern::kernels {
namespace {

using test::GuardedBuffer;

struct Shape {
  size_t n_rows, k, group, n_tokens;  // group in elements, 0: one group
};

enum class Fill { kRandom, kAllPlus, kAllMinus, kAlternating };

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

// Plain matrices and the same in the run-time layout.
struct Problem {
  Problem(const Shape& shape, Fill fill, std::mt19937& random)
      : n_rows(shape.n_rows),
        k(shape.k),
        n_lines(ceil_div(shape.k, kLineK)),
        group_lines(shape.group == 0 ? n_lines : shape.group / kLineK),
        n_groups(ceil_div(n_lines, group_lines)),
        n_tiles(ceil_div(shape.n_rows, kTileRows)),
        n_tokens(shape.n_tokens),
        x_stride(ceil_div(n_lines * kLineK, 64) * 64),
        weights(n_rows * k),
        activations(n_tokens * k),
        row_scales(n_tiles * n_groups * kTileRows),
        tiles(n_tiles * n_lines * kLineBytes),
        x(n_tokens * x_stride),
        x_sums(n_tokens * n_groups),
        x_scales(n_tokens * n_groups),
        y(n_tokens * y_stride()) {
    for (size_t i = 0; i < weights.size(); ++i) {
      weights[i] = fill == Fill::kRandom     ? static_cast<int>(random() % 3) - 1
                   : fill == Fill::kAllPlus  ? 1
                   : fill == Fill::kAllMinus ? -1
                                             : (i % 2 == 0 ? 1 : -1);
    }
    for (size_t i = 0; i < activations.size(); ++i) {
      activations[i] = fill == Fill::kRandom     ? static_cast<int>(random() % 256) - 128
                       : fill == Fill::kAllPlus  ? 127
                       : fill == Fill::kAllMinus ? -128
                                                 : (i % 2 == 0 ? 127 : -128);
    }
    // Rows beyond n_rows in the last tile hold code 1 (zero), as the loader leaves them.
    std::memset(tiles.data(), 0x55, tiles.size());
    for (size_t r = 0; r < n_rows; ++r) {
      for (size_t c = 0; c < k; ++c) {
        uint8_t& byte = tiles[((r / kTileRows) * n_lines + c / kLineK) * kLineBytes +
                              4 * (r % kTileRows) + c % 4];
        const int shift = static_cast<int>(2 * (c % kLineK / 4));
        byte = static_cast<uint8_t>((byte & ~(3 << shift)) | ((weights[r * k + c] + 1) << shift));
      }
    }
    std::memset(x.data(), 0, x.size());
    for (size_t t = 0; t < n_tokens; ++t) {
      for (size_t c = 0; c < k; ++c)
        x[t * x_stride + c] = static_cast<int8_t>(activations[t * k + c]);
      for (size_t g = 0; g < n_groups; ++g) {
        x_sums[t * n_groups + g] = 0;
        for (size_t c = g * group_lines * kLineK; c < std::min(k, (g + 1) * group_lines * kLineK);
             ++c) {
          x_sums[t * n_groups + g] += activations[t * k + c];
        }
        x_scales[t * n_groups + g] = 0.001f + static_cast<float>(random() % 1000) * 1e-5f;
      }
    }
    for (float& s : row_scales) s = 0.5f + static_cast<float>(random() % 1000) * 0.01f;
  }

  size_t y_stride() const { return n_rows + 3; }

  TernaryProduct product() {
    TernaryProduct p = {};
    p.tiles = tiles.data();
    p.n_rows = n_rows;
    p.n_lines = n_lines;
    p.group_lines = group_lines;
    p.n_groups = n_groups;
    p.w_scales = row_scales.data();
    p.w_tile_stride = n_groups * kTileRows;
    p.w_group_stride = kTileRows;
    p.n_tokens = n_tokens;
    p.x = x.data();
    p.x_stride = x_stride;
    p.x_sums = x_sums.data();
    p.x_scales = x_scales.data();
    p.y = y.data();
    p.y_stride = y_stride();
    return p;
  }

  std::vector<float> run(TernaryProductFn fn) {
    for (float& v : y) v = -12345.0f;
    fn(product());
    return std::vector<float>(y.begin(), y.end());
  }

  // The definition, over the plain matrices.
  std::vector<float> expected() {
    std::vector<float> result(y.size(), -12345.0f);
    for (size_t t = 0; t < n_tokens; ++t) {
      for (size_t r = 0; r < n_rows; ++r) {
        float sum = 0.0f;
        for (size_t g = 0; g < n_groups; ++g) {
          int64_t exact = 0;
          for (size_t c = g * group_lines * kLineK; c < std::min(k, (g + 1) * group_lines * kLineK);
               ++c) {
            exact += weights[r * k + c] * activations[t * k + c];
          }
          const float scale =
              row_scales[((r / kTileRows) * n_groups + g) * kTileRows + r % kTileRows] *
              x_scales[t * n_groups + g];
          sum = sum + static_cast<float>(exact) * scale;
        }
        result[t * y_stride() + r] = sum;
      }
    }
    return result;
  }

  size_t n_rows, k, n_lines, group_lines, n_groups, n_tiles, n_tokens, x_stride;
  std::vector<int> weights, activations;
  GuardedBuffer<float> row_scales;
  GuardedBuffer<uint8_t> tiles;
  GuardedBuffer<int8_t> x;
  GuardedBuffer<int32_t> x_sums;
  GuardedBuffer<float> x_scales;
  GuardedBuffer<float> y;
};

class TernaryT2 : public test::EachIsa {
 protected:
  void check(const Shape& shape, Fill fill) {
    SCOPED_TRACE(testing::Message() << shape.n_rows << " rows, k " << shape.k << ", group "
                                    << shape.group << ", " << shape.n_tokens << " tokens, fill "
                                    << static_cast<int>(fill) << ", seed " << kSeed);
    Problem problem(shape, fill, random_);
    const std::vector<float> expected = problem.expected();
    if (shape.n_tokens == 1) {
      EXPECT_EQ(problem.run(table_.ternary_gemv_t2), expected);
    }
    EXPECT_EQ(problem.run(table_.ternary_gemm_t2), expected);
    EXPECT_TRUE(problem.tiles.intact() && problem.x.intact() && problem.y.intact());
  }
};

TEST_P(TernaryT2, EqualsTheDefinitionOnOddSizes) {
  for (size_t n_rows : {1u, 15u, 16u, 17u, 33u}) {
    for (size_t k : {1u, 15u, 16u, 17u, 100u, 256u, 320u}) {
      for (size_t n_tokens : {1u, 2u, 3u, 4u, 5u, 8u, 13u})
        check({n_rows, k, 0, n_tokens}, Fill::kRandom);
    }
  }
}

TEST_P(TernaryT2, EqualsTheDefinitionWithGroups) {
  for (size_t group : {64u, 128u, 256u}) {
    for (size_t k : {64u, 128u, 200u, 384u, 640u}) {
      for (size_t n_tokens : {1u, 4u, 7u}) check({20, k, group, n_tokens}, Fill::kRandom);
    }
  }
}

TEST_P(TernaryT2, EqualsTheDefinitionOnModelShapes) {
  check({64, 2560, 0, 1}, Fill::kRandom);
  check({64, 6912, 0, 9}, Fill::kRandom);
  check({48, 23040, 0, 2}, Fill::kRandom);
  check({48, 6144, 128, 9}, Fill::kRandom);
  check({32, 8640, 64, 3}, Fill::kRandom);
}

TEST_P(TernaryT2, HoldsAtTheExtremes) {
  for (Fill fill : {Fill::kAllPlus, Fill::kAllMinus, Fill::kAlternating}) {
    for (size_t n_tokens : {1u, 9u}) {
      check({17, 4096, 0, n_tokens}, fill);
      check({17, 4096, 128, n_tokens}, fill);
    }
    check({16, kMaxK, 0, 1}, fill);
    check({16, kMaxK, 0, 2}, fill);
  }
}

TEST_P(TernaryT2, SharedScalesEqualRepeatedOnes) {
  Problem problem({40, 512, 128, 3}, Fill::kRandom, random_);
  for (size_t i = 0; i < problem.row_scales.size(); ++i) problem.row_scales[i] = 0.75f;
  const std::vector<float> expected = problem.run(table_.ternary_gemm_t2);
  TernaryProduct p = problem.product();
  p.w_tile_stride = 0;
  p.w_group_stride = 0;
  for (float& v : problem.y) v = -12345.0f;
  table_.ternary_gemm_t2(p);
  EXPECT_EQ(std::vector<float>(problem.y.begin(), problem.y.end()), expected);
}

INSTANTIATE_TEST_SUITE_P(, TernaryT2, testing::ValuesIn(test::all_isas()), test::isa_name);

}  // namespace
}  // namespace tern::kernels
