// The loops around a line's worth of ternary products over T2 tiles, shared by the NEON sets. The
// including file includes an add_codes.h before it, which defines
//
//   int32x4_t add_codes(int32x4_t sum, int8x16_t codes, int8x16_t x)
//
// to add, to lane r of sum, the products of bytes 4r..4r+3 of codes and x (x repeats four
// activations). REQUIRES <arm_neon.h> and kernel_table.h.

namespace {

// n_block tokens at once against one tile of four registers of four rows.
template <size_t n_block>
inline void tile_product(const TernaryProduct& p, const uint8_t* lines, size_t tile, size_t token) {
  const uint8x16_t mask = vdupq_n_u8(3);
  float32x4_t y[n_block][4];
  for (size_t t = 0; t < n_block; ++t) {
    for (size_t q = 0; q < 4; ++q) y[t][q] = vdupq_n_f32(0.0f);
  }
  for (size_t g = 0; g < p.n_groups; ++g) {
    const size_t begin = g * p.group_lines;
    const size_t end = p.n_lines - begin < p.group_lines ? p.n_lines : begin + p.group_lines;
    int32x4_t isum[n_block][4];
    for (size_t t = 0; t < n_block; ++t) {
      for (size_t q = 0; q < 4; ++q) isum[t][q] = vdupq_n_s32(0);
    }
    for (size_t line = begin; line < end; ++line) {
      const uint8_t* bytes = lines + line * kLineBytes;
      __builtin_prefetch(bytes + 1024);
      const int8_t* x = p.x + token * p.x_stride + line * kLineK;
      for (size_t q = 0; q < 4; ++q) {
        const uint8x16_t packed = vld1q_u8(bytes + 16 * q);
        const int8x16_t codes0 = vreinterpretq_s8_u8(vandq_u8(packed, mask));
        const int8x16_t codes1 = vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(packed, 2), mask));
        const int8x16_t codes2 = vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(packed, 4), mask));
        const int8x16_t codes3 = vreinterpretq_s8_u8(vshrq_n_u8(packed, 6));
        for (size_t t = 0; t < n_block; ++t) {
          const int8_t* xt = x + t * p.x_stride;
          isum[t][q] = add_codes(isum[t][q], codes0, broadcast4(xt));
          isum[t][q] = add_codes(isum[t][q], codes1, broadcast4(xt + 4));
          isum[t][q] = add_codes(isum[t][q], codes2, broadcast4(xt + 8));
          isum[t][q] = add_codes(isum[t][q], codes3, broadcast4(xt + 12));
        }
      }
    }
    const float* w_scales = p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride;
    for (size_t t = 0; t < n_block; ++t) {
      const int32x4_t x_sum = vdupq_n_s32(p.x_sums[(token + t) * p.n_groups + g]);
      const float32x4_t x_scale = vdupq_n_f32(p.x_scales[(token + t) * p.n_groups + g]);
      for (size_t q = 0; q < 4; ++q) {
        const float32x4_t exact = vcvtq_f32_s32(vsubq_s32(isum[t][q], x_sum));
        const float32x4_t scale = vmulq_f32(vld1q_f32(w_scales + 4 * q), x_scale);
        y[t][q] = vaddq_f32(y[t][q], vmulq_f32(exact, scale));
      }
    }
  }
  const size_t left = p.n_rows - tile * kTileRows;
  for (size_t t = 0; t < n_block; ++t) {
    float all[kTileRows];
    float* out = p.y + (token + t) * p.y_stride + tile * kTileRows;
    float* to = left >= kTileRows ? out : all;
    for (size_t q = 0; q < 4; ++q) vst1q_f32(to + 4 * q, y[t][q]);
    if (left < kTileRows) {
      for (size_t r = 0; r < left; ++r) out[r] = all[r];
    }
  }
}

template <size_t n_block>
inline void all_tiles(const TernaryProduct& p, size_t token) {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  for (size_t tile = 0; tile < n_tiles; ++tile) {
    tile_product<n_block>(p, p.tiles + tile * p.n_lines * kLineBytes, tile, token);
  }
}

}  // namespace

void ternary_gemv_t2(const TernaryProduct& p) noexcept { all_tiles<1>(p, 0); }

void ternary_gemm_t2(const TernaryProduct& p) noexcept {
  size_t token = 0;
  for (; token + 4 <= p.n_tokens; token += 4) all_tiles<4>(p, token);
  if (token + 2 <= p.n_tokens) {
    all_tiles<2>(p, token);
    token += 2;
  }
  if (token < p.n_tokens) all_tiles<1>(p, token);
}
