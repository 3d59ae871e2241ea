// Every implementation of the ternary product, over T2, T5 and L2 tiles, equals the definition
// written out over plain matrices bit for bit, and stays inside its buffers.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "tests/kernels/isas.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/sanitized.h"

namespace tern::kernels {
namespace {

using test::GuardedBuffer;

struct Shape {
  size_t n_rows, k, group, n_tokens;  // group in elements, 0: one group
};

enum class Layout { kT2, kT5, kL2 };
constexpr Layout kLayouts[] = {Layout::kT2, Layout::kT5, Layout::kL2};

struct Entries {
  TernaryProductFn gemv, gemm;
};
Entries entries_of(const KernelTable& table, Layout layout) {
  switch (layout) {
    case Layout::kT5:
      return {table.ternary_gemv_t5, table.ternary_gemm_t5};
    case Layout::kL2:
      return {table.ternary_gemv_l2, table.ternary_gemm_l2};
    case Layout::kT2:
      break;
  }
  return {table.ternary_gemv_t2, table.ternary_gemm_t2};
}

// Activations of -128, which quantize_i8 makes of infinities alone, may take a way of their own:
// kRandom and kAllOpposite have none.
enum class Fill { kRandom, kAnyInt8, kAllPlus, kAllMinus, kAllOpposite, kAlternating };

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

// The byte of five codes as kernel_table.h defines it.
uint8_t t5_byte(const int* codes) {
  int value = 0;
  for (size_t n = 0; n < kT5LineDigits; ++n) value = 3 * value + codes[n] - 1;
  return static_cast<uint8_t>(static_cast<int8_t>(std::lround(value * 256.0 / 243.0)));
}

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
        t5_tiles(n_tiles * t5_tile_lines(n_lines) * kLineBytes),
        l2_tiles(n_tiles * n_lines * kLineBytes),
        x(n_tokens * x_stride),
        x_sums(n_tokens * n_groups),
        x_scales(n_tokens * n_groups),
        y(n_tokens * y_stride()),
        scratch(scratch_bytes(n_tokens, n_lines, n_groups)) {
    const bool is_random = fill == Fill::kRandom || fill == Fill::kAnyInt8;
    for (size_t i = 0; i < weights.size(); ++i) {
      weights[i] = is_random                    ? static_cast<int>(random() % 3) - 1
                   : fill == Fill::kAlternating ? (i % 2 == 0 ? 1 : -1)
                   : fill == Fill::kAllPlus     ? 1
                                                : -1;
    }
    for (size_t i = 0; i < activations.size(); ++i) {
      activations[i] = fill == Fill::kRandom        ? static_cast<int>(random() % 255) - 127
                       : fill == Fill::kAnyInt8     ? static_cast<int>(random() % 256) - 128
                       : fill == Fill::kAllMinus    ? -128
                       : fill == Fill::kAllPlus     ? 127
                       : fill == Fill::kAllOpposite ? (i / k % 2 == 0 ? -127 : 127)
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
    pack_t5();
    pack_l2();
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

  void pack_t5() {
    const size_t lines = t5_tile_lines(n_lines);
    for (size_t at = 0; at < t5_tiles.size(); ++at) {
      const size_t line = at / kLineBytes;
      const size_t r = line / lines * kTileRows + at % kLineBytes / 4;
      int codes[kT5LineDigits];
      for (size_t n = 0; n < kT5LineDigits; ++n) {
        const size_t c = line % lines * kT5LineK + 4 * n + at % 4;
        codes[n] = r < n_rows && c < k ? weights[r * k + c] + 1 : 1;
      }
      t5_tiles[at] = t5_byte(codes);
    }
  }

  void pack_l2() {
    const auto code = [&](size_t r, size_t c) {
      return r < n_rows && c < k ? weights[r * k + c] + 1 : 1;
    };
    for (size_t at = 0; at < l2_tiles.size(); ++at) {
      const size_t line = at / kLineBytes;
      const size_t r = line / n_lines * kTileRows + at % kTileRows;
      const size_t c = line % n_lines * kLineK + at % kLineBytes / kTileRows * 4;
      l2_tiles[at] = static_cast<uint8_t>(3 * code(r, c) + code(r, c + 1) +
                                          16 * (3 * code(r, c + 2) + code(r, c + 3)));
    }
  }

  TernaryProduct product(Layout layout) {
    TernaryProduct p = {};
    p.tiles = layout == Layout::kT2   ? tiles.data()
              : layout == Layout::kT5 ? t5_tiles.data()
                                      : l2_tiles.data();
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
    p.scratch = scratch.data();
    return p;
  }

  std::vector<float> run(TernaryProductFn fn, Layout layout) {
    for (float& v : y) v = -12345.0f;
    fn(product(layout));
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
  GuardedBuffer<uint8_t> tiles, t5_tiles, l2_tiles;
  GuardedBuffer<int8_t> x;
  GuardedBuffer<int32_t> x_sums;
  GuardedBuffer<float> x_scales;
  GuardedBuffer<float> y;
  GuardedBuffer<int8_t> scratch;
};

class Ternary : public test::EachIsa {
 protected:
  void check(const Shape& shape, Fill fill) {
    SCOPED_TRACE(testing::Message() << shape.n_rows << " rows, k " << shape.k << ", group "
                                    << shape.group << ", " << shape.n_tokens << " tokens, fill "
                                    << static_cast<int>(fill) << ", seed " << kSeed);
    Problem problem(shape, fill, random_);
    const std::vector<float> expected = problem.expected();
    for (const Layout layout : kLayouts) {
      SCOPED_TRACE(testing::Message() << "layout " << static_cast<int>(layout));
      const Entries entries = entries_of(table_, layout);
      if (shape.n_tokens == 1) {
        EXPECT_EQ(problem.run(entries.gemv, layout), expected);
      }
      EXPECT_EQ(problem.run(entries.gemm, layout), expected);
    }
    EXPECT_TRUE(problem.tiles.intact() && problem.t5_tiles.intact() && problem.l2_tiles.intact() &&
                problem.x.intact() && problem.y.intact() && problem.scratch.intact());
  }
};

TEST_P(Ternary, EqualsTheDefinitionOnOddSizes) {
  for (size_t n_rows : {1u, 15u, 16u, 17u, 33u}) {
    for (size_t k : {1u, 15u, 16u, 17u, 100u, 256u, 320u}) {
      for (size_t n_tokens : {1u, 2u, 3u, 4u, 5u, 8u, 13u}) {
        check({n_rows, k, 0, n_tokens}, Fill::kRandom);
        check({n_rows, k, 0, n_tokens}, Fill::kAnyInt8);
      }
    }
  }
}

TEST_P(Ternary, EqualsTheDefinitionWithGroups) {
  for (size_t group : {64u, 128u, 256u}) {
    for (size_t k : {64u, 128u, 200u, 384u, 640u}) {
      for (size_t n_tokens : {1u, 4u, 7u}) check({20, k, group, n_tokens}, Fill::kRandom);
    }
  }
}

TEST_P(Ternary, EqualsTheDefinitionOnModelShapes) {
  check({64, 2560, 0, 1}, Fill::kRandom);
  check({64, 6912, 0, 9}, Fill::kRandom);
  check({48, 23040, 0, 2}, Fill::kRandom);
  check({48, 6144, 128, 9}, Fill::kRandom);
  check({32, 8640, 64, 3}, Fill::kRandom);
  check({48, 6144, 128, 9}, Fill::kAnyInt8);
}

// Kernels cut many tokens into blocks and rearrange only some of them at once.
TEST_P(Ternary, EqualsTheDefinitionForAnyNumberOfTokens) {
  for (size_t n_tokens = 1; n_tokens <= 26; ++n_tokens) {
    check({33, 100, 0, n_tokens}, Fill::kRandom);
    check({20, 320, 128, n_tokens}, Fill::kRandom);
  }
  for (size_t n_tokens : {47u, 48u, 49u, 53u, 96u, 97u, 100u, 145u}) {
    check({50, 272, 0, n_tokens}, Fill::kRandom);
    check({17, 256, 64, n_tokens}, Fill::kRandom);
  }
}

TEST_P(Ternary, HoldsAtTheExtremes) {
  for (Fill fill : {Fill::kAllPlus, Fill::kAllMinus, Fill::kAllOpposite, Fill::kAlternating}) {
    for (size_t n_tokens : {1u, 4u, 9u}) {
      check({17, 4096, 0, n_tokens}, fill);
      for (size_t group_size : {64u, 128u, 256u}) check({17, 512, group_size, n_tokens}, fill);
    }
    check({16, kMaxK, 0, 1}, fill);
    if (test::kSanitized) continue;
    check({16, kMaxK, 0, 2}, fill);
    check({1, kMaxK, 0, 7}, fill);
  }
}

// More tokens than are computed together, and more tiles.
TEST_P(Ternary, EqualsTheDefinitionForManyTokens) {
  for (size_t n_tokens : {47u, 48u, 49u, 100u}) {
    check({70, 200, 0, n_tokens}, Fill::kRandom);
    check({33, 400, 64, n_tokens}, Fill::kRandom);
  }
}

TEST_P(Ternary, SharedScalesEqualRepeatedOnes) {
  Problem problem({40, 512, 128, 3}, Fill::kRandom, random_);
  for (size_t i = 0; i < problem.row_scales.size(); ++i) problem.row_scales[i] = 0.75f;
  for (const Layout layout : kLayouts) {
    const TernaryProductFn fn = entries_of(table_, layout).gemm;
    const std::vector<float> expected = problem.run(fn, layout);
    TernaryProduct p = problem.product(layout);
    p.w_tile_stride = 0;
    p.w_group_stride = 0;
    for (float& v : problem.y) v = -12345.0f;
    fn(p);
    EXPECT_EQ(std::vector<float>(problem.y.begin(), problem.y.end()), expected);
  }
}

// All 243 bytes that hold codes, digit by digit: one activation is 1 and the others are 0.
TEST_P(Ternary, EveryT5ByteGivesItsFiveCodes) {
  constexpr size_t kBytes = 243;
  constexpr size_t kLines = (kBytes + kLineBytes - 1) / kLineBytes;
  alignas(64) uint8_t tiles[kLines * kLineBytes] = {};
  int codes[kLines * kLineBytes][kT5LineDigits] = {};
  for (size_t i = 0; i < kLines * kLineBytes; ++i) {
    size_t left = i % kBytes;
    for (size_t n = kT5LineDigits; n-- > 0; left /= 3) codes[i][n] = static_cast<int>(left % 3);
    tiles[i] = t5_byte(codes[i]);
  }
  const float scales[kTileRows] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  for (size_t at = 0; at < kLines * kT5LineK; ++at) {
    alignas(64) int8_t x[128] = {};
    x[at] = 1;
    const int32_t x_sum = 1;
    float y[kTileRows] = {};
    alignas(64) int8_t scratch[scratch_bytes(1, kLines * kT5LineK / kLineK, 1)];
    TernaryProduct p = {};
    p.tiles = tiles;
    p.n_rows = kTileRows;
    p.n_lines = p.group_lines = kLines * kT5LineK / kLineK;
    ASSERT_EQ(t5_tile_lines(p.n_lines), kLines);
    p.n_groups = p.n_tokens = 1;
    p.w_scales = p.x_scales = scales;
    p.x = x;
    p.x_stride = sizeof(x);
    p.x_sums = &x_sum;
    p.y = y;
    p.y_stride = kTileRows;
    p.scratch = scratch;
    for (const TernaryProductFn fn : {table_.ternary_gemv_t5, table_.ternary_gemm_t5}) {
      fn(p);
      for (size_t r = 0; r < kTileRows; ++r) {
        const size_t byte = at / kT5LineK * kLineBytes + 4 * r + at % 4;
        ASSERT_EQ(y[r], static_cast<float>(codes[byte][at % kT5LineK / 4] - 1))
            << byte << ", k " << at;
      }
    }
  }
}

// Every pair of activations against all nine pairs of weights, at each of the eight places of a
// line: what the lookup tables hold.
TEST_P(Ternary, EveryPairOfActivationsGivesItsNineSums) {
  alignas(64) uint8_t tiles[kLineBytes];
  constexpr uint8_t kZeros = 4;  // both codes 1
  const float scales[kTileRows] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  alignas(64) int8_t scratch[scratch_bytes(1, 1, 1)];
  for (size_t place = 0; place < kLineK / 2; ++place) {
    const int shift = place % 2 == 0 ? 0 : 4;
    std::memset(tiles, kZeros * 17, sizeof(tiles));
    for (size_t r = 0; r < kTileRows; ++r) {
      const auto nibble = static_cast<int>(r % 9);
      tiles[place / 2 * kTileRows + r] =
          static_cast<uint8_t>((nibble << shift) | (kZeros << (4 - shift)));
    }
    for (int x0 = -128; x0 < 128; ++x0) {
      for (int x1 = -128; x1<128; x1 += std::abs(x1)> 125 ? 1 : 7) {
        alignas(64) int8_t x[64] = {};
        x[2 * place] = static_cast<int8_t>(x0);
        x[2 * place + 1] = static_cast<int8_t>(x1);
        const int32_t x_sum = x0 + x1;
        float y[kTileRows] = {};
        TernaryProduct p = {};
        p.tiles = tiles;
        p.n_rows = kTileRows;
        p.n_lines = p.group_lines = p.n_groups = p.n_tokens = 1;
        p.w_scales = p.x_scales = scales;
        p.x = x;
        p.x_stride = sizeof(x);
        p.x_sums = &x_sum;
        p.y = y;
        p.y_stride = kTileRows;
        p.scratch = scratch;
        table_.ternary_gemv_l2(p);
        for (int r = 0; r < static_cast<int>(kTileRows); ++r) {
          const int expected = (r % 9 / 3 - 1) * x0 + (r % 3 - 1) * x1;
          ASSERT_EQ(y[r], static_cast<float>(expected)) << x0 << ", " << x1 << ", row " << r;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, Ternary, testing::ValuesIn(test::all_isas()), test::isa_name);

}  // namespace
}  // namespace tern::kernels
