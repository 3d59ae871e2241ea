// Ternary product over L2 tiles with tbl: one lookup gives 16 rows the exact sum of two weighted
// activations. A sum v, at most 256 in absolute value, is split into two bytes, v = 32 * high + low
// with low in -16..15 and high in -8..8, so that the eight lookups of a line can be added as bytes.
#include <arm_neon.h>

#include "kernels/arm_neon/neon.h"
#include "kernels/repeat.h"

namespace tern::kernels::neon {
namespace {

// Of a line: for the low and the high nibble, low bytes and high bytes of four tables, one for
// each run of 16 bytes.
constexpr size_t kTableBytes = 16;
constexpr size_t kPlaneBytes = 4 * kTableBytes;
constexpr size_t kNibbleBytes = 2 * kPlaneBytes;
static_assert(2 * kNibbleBytes == kLookupLineBytes);

// Tiles side by side share the loads of tables. 12 registers of sums, 4 of bytes, 2 tables.
constexpr size_t kTilesOneToken = 2, kTilesTokens = 2;
// A line adds 8 * 16 at most to a word: 8 * -16 and 8 * 15 of the low bytes, 8 * 8 of the high.
constexpr size_t kWordLines = 255;
static_assert(kWordLines * 8 * 16 <= 32767);

constexpr size_t kPrefetchBytes = 1024;

inline void build_line_tables(const int8_t* x, uint8_t* tables) {
  // The weights of entries 0 to 7; entry 8 is 1 and 1. Entries above are not used.
  const int8_t first_weights[8] = {-1, -1, -1, 0, 0, 0, 1, 1};
  const int8_t second_weights[8] = {-1, 0, 1, -1, 0, 1, -1, 0};
  const int16x8_t first = vmovl_s8(vld1_s8(first_weights));
  const int16x8_t second = vmovl_s8(vld1_s8(second_weights));
  for (size_t q = 0; q < 4; ++q) {
    for (size_t nibble = 0; nibble < 2; ++nibble) {
      const int8_t* pair = x + 4 * q + 2 * nibble;
      const int16x8_t sums = vmlaq_n_s16(vmulq_n_s16(first, pair[0]), second, pair[1]);
      const int16x8_t last = vdupq_n_s16(static_cast<int16_t>(pair[0] + pair[1]));
      // Rounded to the nearest multiple of 32, halves up.
      const int8x16_t high = vcombine_s8(vrshrn_n_s16(sums, 5), vrshrn_n_s16(last, 5));
      const int8x16_t bytes = vcombine_s8(vmovn_s16(sums), vmovn_s16(last));
      uint8_t* out = tables + nibble * kNibbleBytes + q * kTableBytes;
      vst1q_u8(out, vreinterpretq_u8_s8(vsubq_s8(bytes, vshlq_n_s8(high, 5))));
      vst1q_u8(out + kPlaneBytes, vreinterpretq_u8_s8(high));
    }
  }
}

template <size_t n_tiles>
struct Words {
  int16x8_t low[n_tiles][2], high[n_tiles][2];  // of the first and the last eight rows
};

template <size_t n_tiles>
[[gnu::always_inline]] inline void add_line(const uint8_t* bytes, size_t tile_bytes,
                                            const uint8_t* tables, Words<n_tiles>& words) {
  int8x16_t low[n_tiles], high[n_tiles];
  repeat<4>([&](auto q) TERN_INLINE_BODY {
    uint8x16_t codes[n_tiles];
    repeat<n_tiles>([&](auto t) TERN_INLINE_BODY {
      codes[t] = vld1q_u8(bytes + t * tile_bytes + q * kTileRows);
    });
    repeat<2>([&](auto nibble) TERN_INLINE_BODY {
      const uint8_t* table = tables + nibble * kNibbleBytes + q * kTableBytes;
      const uint8x16_t low_table = vld1q_u8(table);
      const uint8x16_t high_table = vld1q_u8(table + kPlaneBytes);
      repeat<n_tiles>([&](auto t) TERN_INLINE_BODY {
        const uint8x16_t at =
            nibble == 0 ? vandq_u8(codes[t], vdupq_n_u8(15)) : vshrq_n_u8(codes[t], 4);
        const int8x16_t low_found = vreinterpretq_s8_u8(vqtbl1q_u8(low_table, at));
        const int8x16_t high_found = vreinterpretq_s8_u8(vqtbl1q_u8(high_table, at));
        if constexpr (q == 0 && nibble == 0) {
          low[t] = low_found;
          high[t] = high_found;
        } else {
          low[t] = vaddq_s8(low[t], low_found);
          high[t] = vaddq_s8(high[t], high_found);
        }
      });
    });
  });
  repeat<n_tiles>([&](auto t) TERN_INLINE_BODY {
    words.low[t][0] = vaddw_s8(words.low[t][0], vget_low_s8(low[t]));
    words.low[t][1] = vaddw_high_s8(words.low[t][1], low[t]);
    words.high[t][0] = vaddw_s8(words.high[t][0], vget_low_s8(high[t]));
    words.high[t][1] = vaddw_high_s8(words.high[t][1], high[t]);
  });
}

template <size_t n_tiles>
inline void lookup_tiles(const TernaryProduct& p, size_t tile, size_t token,
                         const uint8_t* tables) {
  const size_t tile_bytes = p.n_lines * kLineBytes;
  const uint8_t* bytes = p.tiles + tile * tile_bytes;
  float32x4_t y[n_tiles][4];
  for (size_t t = 0; t < n_tiles; ++t) {
    for (size_t i = 0; i < 4; ++i) y[t][i] = vdupq_n_f32(0.0f);
  }
  for (size_t g = 0; g < p.n_groups; ++g) {
    const size_t group_left = p.n_lines - g * p.group_lines;
    size_t left = group_left < p.group_lines ? group_left : p.group_lines;
    int32x4_t isum[n_tiles][4];
    for (size_t t = 0; t < n_tiles; ++t) {
      for (size_t i = 0; i < 4; ++i) isum[t][i] = vdupq_n_s32(0);
    }
    while (left > 0) {
      size_t n = left < kWordLines ? left : kWordLines;
      left -= n;
      Words<n_tiles> words;
      repeat<n_tiles>([&](auto t) TERN_INLINE_BODY {
        words.low[t][0] = words.low[t][1] = vdupq_n_s16(0);
        words.high[t][0] = words.high[t][1] = vdupq_n_s16(0);
      });
      do {
        repeat<n_tiles>([&](auto t) TERN_INLINE_BODY {
          __builtin_prefetch(bytes + t * tile_bytes + kPrefetchBytes);
        });
        add_line(bytes, tile_bytes, tables, words);
        bytes += kLineBytes;
        tables += kLookupLineBytes;
      } while (--n > 0);
      repeat<n_tiles>([&](auto t) TERN_INLINE_BODY {
        repeat<2>([&](auto i) TERN_INLINE_BODY {
          const int16x8_t low = words.low[t][i];
          const int16x8_t high = words.high[t][i];
          int32x4_t* sums = isum[t] + 2 * i;
          sums[0] = vaddw_s16(sums[0], vget_low_s16(low));
          sums[0] = vaddq_s32(sums[0], vshll_n_s16(vget_low_s16(high), 5));
          sums[1] = vaddw_high_s16(sums[1], low);
          sums[1] = vaddq_s32(sums[1], vshll_high_n_s16(high, 5));
        });
      });
    }
    const float x_scale = p.x_scales[token * p.n_groups + g];
    for (size_t t = 0; t < n_tiles; ++t) {
      const float* w_scales = p.w_scales + (tile + t) * p.w_tile_stride + g * p.w_group_stride;
      for (size_t i = 0; i < 4; ++i) {
        const float32x4_t scale = vmulq_n_f32(vld1q_f32(w_scales + 4 * i), x_scale);
        y[t][i] = vaddq_f32(y[t][i], vmulq_f32(vcvtq_f32_s32(isum[t][i]), scale));
      }
    }
  }
  float all[n_tiles * kTileRows];
  const size_t row = tile * kTileRows;
  const size_t rows = p.n_rows - row < n_tiles * kTileRows ? p.n_rows - row : n_tiles * kTileRows;
  for (size_t t = 0; t < n_tiles; ++t) {
    for (size_t i = 0; i < 4; ++i) vst1q_f32(all + t * kTileRows + 4 * i, y[t][i]);
  }
  float* out = p.y + token * p.y_stride + row;
  for (size_t r = 0; r < rows; ++r) out[r] = all[r];
}

}  // namespace

#include "kernels/lookup_loop.h"

void ternary_product_l2(const TernaryProduct& p) noexcept { lookup_product(p); }

}  // namespace tern::kernels::neon
