// The self-test of what a model spends its time with: ternary and dense products, attention.
#include <string.h>

#include "kernels/half.h"
#include "kernels/self_test.h"

namespace tern::kernels {
namespace {

struct Shape {
  size_t n_rows, n_lines, group_lines, n_tokens;
};
constexpr Shape kShapes[] = {
    {16, 1, 1, 1},  {16, 24, 24, 1}, {33, 7, 7, 1},   {40, 24, 8, 1},
    {17, 24, 4, 1}, {16, 24, 24, 2}, {33, 9, 9, 3},   {40, 24, 8, 5},
    {17, 21, 8, 9}, {40, 24, 4, 9},  {40, 24, 8, 13},
};

// Bytes that hold codes: of T5 all but -128, which stands for none.
void fill_tiles(SelfTestTrial& t, SelfTestTiles tiles) {
  constexpr size_t kBytes = SelfTestRoom::kTiles * SelfTestRoom::kMaxLines * kLineBytes;
  static_assert(kBytes <= SelfTestRoom::kBytes, "fits");
  for (size_t i = 0; i < kBytes; ++i) {
    unsigned value = 0;
    switch (tiles) {
      case SelfTestTiles::kT2:
        for (int field = 0; field < 4; ++field) value = value * 4 + t.random.next() % 3;
        break;
      case SelfTestTiles::kT5:
        value = 129 + t.random.next() % 255;
        break;
      case SelfTestTiles::kL2:
        value = t.random.next() % 9 + t.random.next() % 9 * 16;
        break;
    }
    t.room.bytes[i] = static_cast<uint8_t>(value);
  }
}

// Activations as quantize_i8 makes them of finite numbers, and scales.
void fill_input(SelfTestTrial& t) {
  for (int8_t& q : t.room.x) q = static_cast<int8_t>(static_cast<int>(t.random.next() % 255) - 127);
  for (float& s : t.room.floats) s = 0.25f + static_cast<float>(t.random.next() % 1000) * 0.001f;
  for (float& s : t.room.more) s = 0.01f + static_cast<float>(t.random.next() % 1000) * 0.0001f;
}

void compute_sums(SelfTestRoom& room, const TernaryProduct& p) {
  for (size_t t = 0; t < p.n_tokens; ++t) {
    for (size_t g = 0; g < p.n_groups; ++g) {
      int32_t sum = 0;
      for (size_t line = g * p.group_lines; line < p.n_lines && line < (g + 1) * p.group_lines;
           ++line) {
        for (size_t i = 0; i < kLineK; ++i) sum += p.x[t * p.x_stride + line * kLineK + i];
      }
      room.x_sums[t * p.n_groups + g] = sum;
    }
  }
}

// Both tables compute p, and the results are compared.
template <typename Entry, typename Product>
bool same_results(SelfTestTrial& t, Entry KernelTable::*entry, Product& p) noexcept {
  clear_results(t);
  p.y = t.room.expected;
  (t.scalar.*entry)(p);
  p.y = t.room.actual;
  (t.table.*entry)(p);
  return equal_results(t);
}

}  // namespace

bool same_ternary(SelfTestTrial& t, TernaryProductFn KernelTable::*entry, SelfTestTiles tiles,
                  bool one_token) noexcept {
  SelfTestRoom& room = t.room;
  // Once for all shapes, which read the same bytes as different matrices: random numbers take
  // longer than the products.
  fill_input(t);
  fill_tiles(t, tiles);
  for (const Shape& shape : kShapes) {
    if (one_token && shape.n_tokens != 1) continue;
    TernaryProduct p = {};
    p.tiles = room.bytes;
    p.n_rows = shape.n_rows;
    p.n_lines = shape.n_lines;
    p.group_lines = shape.group_lines;
    p.n_groups = (shape.n_lines + shape.group_lines - 1) / shape.group_lines;
    p.w_scales = room.floats;
    p.w_tile_stride = p.n_groups * kTileRows;
    p.w_group_stride = kTileRows;
    p.n_tokens = shape.n_tokens;
    p.x = room.x;
    p.x_stride = SelfTestRoom::kXStride;
    p.x_sums = room.x_sums;
    p.x_scales = room.more;
    p.y_stride = SelfTestRoom::kMaxRows;
    p.scratch = room.scratch;
    compute_sums(room, p);
    if (!same_results(t, entry, p)) return false;
  }
  return true;
}

// Rows and tokens beyond what kernels take side by side, and an odd end where the format allows it.
bool same_dense(SelfTestTrial& t, DenseProductFn KernelTable::*entry,
                SelfTestBlock block) noexcept {
  constexpr size_t kRows = 5, kLongest = 256, kTokens = 6;
  static_assert(kTokens * kLongest <= SelfTestRoom::kFloats, "fits");
  const size_t k = block.n_elements == 1 ? kLongest - 5 : kLongest;
  const size_t n_bytes = kRows * (k / block.n_elements) * block.n_bytes;
  fill_blocks(t, t.room.bytes, n_bytes, block.n_bytes, block.scale_byte);
  fill_floats(t, t.room.floats, kTokens * k);
  constexpr size_t kNumbers[] = {1, kTokens};
  for (const size_t n_tokens : kNumbers) {
    DenseProduct p = {};
    p.rows = t.room.bytes;
    p.n_rows = kRows;
    p.k = k;
    p.x = t.room.floats;
    p.x_stride = k;
    p.n_tokens = n_tokens;
    p.y_stride = kRows;
    if (!same_results(t, entry, p)) return false;
  }
  return true;
}

// The same, with an odd number of blocks where they are short.
bool same_dense_i8(SelfTestTrial& t, DenseI8ProductFn KernelTable::*entry,
                   SelfTestBlock block) noexcept {
  constexpr size_t kRows = 5, kTokens = 6;
  const size_t k = block.n_elements == kDenseActGroup ? 9 * kDenseActGroup : block.n_elements;
  const size_t n_bytes = kRows * (k / block.n_elements) * block.n_bytes;
  fill_blocks(t, t.room.bytes, n_bytes, block.n_bytes, block.scale_byte);
  fill_input(t);
  constexpr size_t kStride = SelfTestRoom::kXStride;
  for (size_t token = 0; token < kTokens; ++token) {
    memset(t.room.x + token * kStride + k, 0, kStride - k);
  }
  constexpr size_t kNumbers[] = {1, kTokens};
  for (const size_t n_tokens : kNumbers) {
    DenseI8Product p = {};
    p.rows = t.room.bytes;
    p.n_rows = kRows;
    p.k = k;
    p.x = t.room.x;
    p.x_stride = kStride;
    p.x_scales = t.room.more;
    p.n_tokens = n_tokens;
    p.y_stride = kRows;
    if (!same_results(t, entry, p)) return false;
  }
  return true;
}

// Two shapes: many positions, and a head of several blocks of scales with a short end.
bool same_attention(SelfTestTrial& t, AttentionFn KernelTable::*entry,
                    size_t element_bytes) noexcept {
  constexpr struct {
    size_t n_positions, head_dim, n_tokens, n_rep;
  } kCases[] = {{70, 20, 3, 2}, {21, 72, 1, 3}};
  SelfTestRoom& room = t.room;
  for (const auto& c : kCases) {
    const size_t n_seen = c.n_positions + c.n_tokens - 1;
    const size_t n_groups = (n_seen + kKeyLanes - 1) / kKeyLanes;
    const size_t n_bytes = n_groups * kKeyLanes * c.head_dim * element_bytes;
    // No element overruns a half: the last byte of each is that of the exponent, but for int8.
    const size_t exponent = element_bytes == 1 ? n_bytes : element_bytes - 1;
    if (n_bytes > SelfTestRoom::kBytes) return false;
    fill_blocks(t, room.bytes, n_bytes, element_bytes, exponent);
    fill_blocks(t, room.values, n_bytes, element_bytes, exponent);
    const size_t q_stride = c.n_rep * c.head_dim + 3;
    fill_floats(t, room.floats, c.n_tokens * q_stride);
    // Scales of q8: bf16 between 0.5 and 2.
    uint16_t scales[2 * 6 * kKeyLanes * 3];
    const size_t n_scales = n_groups * ((c.head_dim + kKvBlock - 1) / kKvBlock) * kKeyLanes;
    for (uint16_t& s : scales) s = static_cast<uint16_t>(0x3f00 + t.random.next() % 256);
    AttentionBlock b = {};
    b.keys = room.bytes;
    b.values = room.values;
    b.key_scales = scales;
    b.value_scales = scales + n_scales;
    b.head_dim = c.head_dim;
    b.n_positions = c.n_positions;
    b.n_queries = c.n_tokens * c.n_rep;
    b.n_rep = c.n_rep;
    b.q = room.floats;
    b.q_stride = q_stride;
    b.scale = element_bytes == 1 ? 0.002f : 0.2f;
    b.out_stride = q_stride;
    clear_results(t);
    const auto run = [&](AttentionFn attention, float* out) {
      b.out = out;
      b.maxima = out + c.n_tokens * q_stride;
      b.sums = b.maxima + b.n_queries;
      attention(b);
    };
    run(t.scalar.*entry, room.expected);
    run(t.table.*entry, room.actual);
    if (!equal_results(t)) return false;
  }
  return true;
}

}  // namespace tern::kernels
