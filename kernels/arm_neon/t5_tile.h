// The parts of t5_loop.h for NEON. The including file includes an add_codes.h before it. REQUIRES
// <arm_neon.h>.

namespace {

constexpr size_t kT5Block = 4;  // 16 registers of sums, 4 of codes

inline void unpack_line(const uint8_t* line, uint8_t* codes) {
  __builtin_prefetch(line + 1024);
  const int8x16_t above_minus = vdupq_n_s8(-43);
  const int8x16_t above_zero = vdupq_n_s8(42);
  for (size_t q = 0; q < 4; ++q) {
    int8x16_t left = vreinterpretq_s8_u8(vld1q_u8(line + 16 * q));
    for (size_t n = 0; n < kT5LineDigits; ++n) {
      // A compare gives -1 where it holds.
      const uint8x16_t minus_code =
          vaddq_u8(vcgtq_s8(left, above_minus), vcgtq_s8(left, above_zero));
      vst1q_s8(reinterpret_cast<int8_t*>(codes) + n * kLineBytes + 16 * q,
               vnegq_s8(vreinterpretq_s8_u8(minus_code)));
      left = vmulq_s8(left, vdupq_n_s8(3));
    }
  }
}

template <size_t n_block>
inline void dot_fours(const uint8_t* codes, size_t n_fours, const int8_t* x, size_t x_stride,
                      int32_t* sums) {
  int32x4_t isum[n_block][4];
  for (size_t t = 0; t < n_block; ++t) {
    for (size_t q = 0; q < 4; ++q) isum[t][q] = vld1q_s32(sums + t * kTileRows + 4 * q);
  }
  for (size_t at = 0; at < n_fours; ++at) {
    const int8_t* four_codes = reinterpret_cast<const int8_t*>(codes) + at * kLineBytes;
    for (size_t t = 0; t < n_block; ++t) {
      const int8x16_t fours = broadcast4(x + t * x_stride + 4 * at);
      for (size_t q = 0; q < 4; ++q) {
        isum[t][q] = add_codes(isum[t][q], vld1q_s8(four_codes + 16 * q), fours);
      }
    }
  }
  for (size_t t = 0; t < n_block; ++t) {
    for (size_t q = 0; q < 4; ++q) vst1q_s32(sums + t * kTileRows + 4 * q, isum[t][q]);
  }
}

inline void add_group(float* y, const int32_t* sums, int32_t x_sum, float x_scale,
                      const float* w_scales) {
  for (size_t r = 0; r < kTileRows; r += 4) {
    const float32x4_t exact = vcvtq_f32_s32(vsubq_s32(vld1q_s32(sums + r), vdupq_n_s32(x_sum)));
    const float32x4_t scale = vmulq_n_f32(vld1q_f32(w_scales + r), x_scale);
    vst1q_f32(y + r, vaddq_f32(vld1q_f32(y + r), vmulq_f32(exact, scale)));
  }
}

}  // namespace
