// Start-up check that the chosen ternary kernels, and two of the float ones, compute what scalar
// computes on this very CPU.
#include <string.h>

#include "kernels/dispatch.h"

namespace tern::kernels {
namespace {

constexpr size_t kMaxRows = 40;
constexpr size_t kMaxLines = 24;
constexpr size_t kMaxTokens = 13;
constexpr size_t kTiles = (kMaxRows + kTileRows - 1) / kTileRows;
constexpr size_t kXStride = kMaxLines * kLineK;  // 384, a multiple of 64

struct Case {
  size_t n_rows, n_lines, group_lines, n_tokens;
};
constexpr Case kCases[] = {
    {16, 1, 1, 1},  {16, 24, 24, 1}, {33, 7, 7, 1},   {40, 24, 8, 1},
    {17, 24, 4, 1}, {16, 24, 24, 2}, {33, 9, 9, 3},   {40, 24, 8, 5},
    {17, 21, 8, 9}, {40, 24, 4, 9},  {40, 24, 8, 13},
};

enum class Layout { kT2, kT5, kL2 };

struct Entry {
  const char* name;
  TernaryProductFn KernelTable::*fn;
  bool one_token;
  Layout layout;
};
constexpr Entry kEntries[] = {
    {"ternary_gemv_t2", &KernelTable::ternary_gemv_t2, true, Layout::kT2},
    {"ternary_gemm_t2", &KernelTable::ternary_gemm_t2, false, Layout::kT2},
    {"ternary_gemv_t5", &KernelTable::ternary_gemv_t5, true, Layout::kT5},
    {"ternary_gemm_t5", &KernelTable::ternary_gemm_t5, false, Layout::kT5},
    {"ternary_gemv_l2", &KernelTable::ternary_gemv_l2, true, Layout::kL2},
    {"ternary_gemm_l2", &KernelTable::ternary_gemm_l2, false, Layout::kL2},
};

struct Buffers {
  alignas(64) uint8_t tiles[kTiles * kMaxLines * kLineBytes];
  alignas(64) int8_t x[kMaxTokens * kXStride];
  float w_scales[kTiles * kMaxLines * kTileRows];
  float x_scales[kMaxTokens * kMaxLines];
  int32_t x_sums[kMaxTokens * kMaxLines];
  alignas(64) int8_t scratch[scratch_bytes(kMaxTokens, kMaxLines, kMaxLines)];
  float expected[kMaxTokens * kMaxRows];
  float actual[kMaxTokens * kMaxRows];
};

// Same numbers in every run (splitmix64).
class Random {
 public:
  uint32_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<uint32_t>((z ^ (z >> 31)) >> 16);
  }

 private:
  uint64_t state_ = 20240229;
};

// Bytes that hold codes: of T5 all but -128, which stands for none.
void fill_tiles(Buffers& b, Random& random, Layout layout) {
  for (uint8_t& byte : b.tiles) {
    unsigned value = 0;
    switch (layout) {
      case Layout::kT2:
        for (int i = 0; i < 4; ++i) value = value * 4 + random.next() % 3;
        break;
      case Layout::kT5:
        value = 129 + random.next() % 255;
        break;
      case Layout::kL2:
        value = random.next() % 9 + random.next() % 9 * 16;
        break;
    }
    byte = static_cast<uint8_t>(value);
  }
}

void fill(Buffers& b, Random& random) {
  // As quantize_i8 makes them of finite numbers.
  for (int8_t& q : b.x) q = static_cast<int8_t>(static_cast<int>(random.next() % 255) - 127);
  for (float& s : b.w_scales) s = 0.25f + static_cast<float>(random.next() % 1000) * 0.001f;
  for (float& s : b.x_scales) s = 0.01f + static_cast<float>(random.next() % 1000) * 0.0001f;
}

void compute_sums(Buffers& b, const TernaryProduct& p) {
  for (size_t t = 0; t < p.n_tokens; ++t) {
    for (size_t g = 0; g < p.n_groups; ++g) {
      int32_t sum = 0;
      for (size_t line = g * p.group_lines; line < p.n_lines && line < (g + 1) * p.group_lines;
           ++line) {
        for (size_t i = 0; i < kLineK; ++i) sum += p.x[t * p.x_stride + line * kLineK + i];
      }
      b.x_sums[t * p.n_groups + g] = sum;
    }
  }
}

bool equal(TernaryProductFn candidate, TernaryProductFn reference, TernaryProduct p, Buffers& b) {
  memset(b.expected, 0, sizeof(b.expected));
  memset(b.actual, 0, sizeof(b.actual));
  p.y = b.expected;
  reference(p);
  p.y = b.actual;
  candidate(p);
  return memcmp(b.expected, b.actual, sizeof(b.expected)) == 0;
}

// Rows of 64 in two formats, two tokens: F16 executes what converts halves, Q4_0 fused
// multiply-adds where a set has them.
bool dense_equal(DenseProductFn KernelTable::*fn, const KernelTable& table,
                 const KernelTable& scalar, Buffers& b, Random& random) {
  constexpr size_t kRows = 5, kK = 64, kTokens = 2;
  // Bytes below 0x40: halves stay finite.
  for (size_t i = 0; i < sizeof(b.tiles); ++i)
    b.tiles[i] = static_cast<uint8_t>(random.next() & 63);
  memset(b.expected, 0, sizeof(b.expected));
  memset(b.actual, 0, sizeof(b.actual));
  DenseProduct p = {};
  p.rows = b.tiles;
  p.n_rows = kRows;
  p.k = kK;
  p.x = b.w_scales;
  p.x_stride = kK;
  p.n_tokens = kTokens;
  p.y_stride = kRows;
  p.y = b.expected;
  (scalar.*fn)(p);
  p.y = b.actual;
  (table.*fn)(p);
  return memcmp(b.expected, b.actual, sizeof(b.expected)) == 0;
}

}  // namespace

SelfTestResult self_test(const KernelTable& table) noexcept {
  static_assert(sizeof(Buffers) < 64 * 1024, "lives on the stack");
  Buffers b;
  Random random;
  const KernelTable scalar = make_table(*find_isa("scalar"));
  SelfTestResult result = {true, 0, nullptr};
  for (const Case& c : kCases) {
    fill(b, random);
    TernaryProduct p = {};
    p.tiles = b.tiles;
    p.n_rows = c.n_rows;
    p.n_lines = c.n_lines;
    p.group_lines = c.group_lines;
    p.n_groups = (c.n_lines + c.group_lines - 1) / c.group_lines;
    p.w_scales = b.w_scales;
    p.w_tile_stride = p.n_groups * kTileRows;
    p.w_group_stride = kTileRows;
    p.n_tokens = c.n_tokens;
    p.x = b.x;
    p.x_stride = kXStride;
    p.x_sums = b.x_sums;
    p.x_scales = b.x_scales;
    p.y_stride = kMaxRows;
    p.scratch = b.scratch;
    compute_sums(b, p);
    for (const Entry& entry : kEntries) {
      if (entry.one_token && c.n_tokens != 1) continue;
      fill_tiles(b, random, entry.layout);
      ++result.n_comparisons;
      if (!equal(table.*entry.fn, scalar.*entry.fn, p, b)) {
        return {false, result.n_comparisons, entry.name};
      }
    }
  }
  const struct {
    const char* name;
    DenseProductFn KernelTable::*fn;
  } dense[] = {{"dense_f16", &KernelTable::dense_f16}, {"dense_q4_0", &KernelTable::dense_q4_0}};
  for (const auto& entry : dense) {
    ++result.n_comparisons;
    if (!dense_equal(entry.fn, table, scalar, b, random)) {
      return {false, result.n_comparisons, entry.name};
    }
  }
  return result;
}

}  // namespace tern::kernels
