// int8 products with sdot, for the loops over T2 and T5 tiles. REQUIRES <arm_neon.h>.

namespace {

inline int8x16_t broadcast4(const int8_t* x) {
  return vreinterpretq_s8_s32(vld1q_dup_s32(reinterpret_cast<const int32_t*>(x)));
}

inline int32x4_t add_codes(int32x4_t sum, int8x16_t codes, int8x16_t x) {
  return vdotq_s32(sum, codes, x);
}

}  // namespace
