// int8 products with widening multiplies, for the loops over T2 and T5 tiles.
// REQUIRES <arm_neon.h>.

namespace {

inline int8x16_t broadcast4(const int8_t* x) {
  return vreinterpretq_s8_s32(vld1q_dup_s32(reinterpret_cast<const int32_t*>(x)));
}

inline int32x4_t add_codes(int32x4_t sum, int8x16_t codes, int8x16_t x) {
  // |code * x| <= 256, so the sum of two int16 products in one lane fits.
  const int16x8_t low = vmull_s8(vget_low_s8(codes), vget_low_s8(x));
  const int16x8_t high = vmull_s8(vget_high_s8(codes), vget_high_s8(x));
  return vpadalq_s16(sum, vpaddq_s16(low, high));
}

}  // namespace
