// What code_loop.h and stream_loop.h need of NEON registers and is the same in all NEON sets: sums
// of four rows, and the steps of a line as weights -1, 0, 1. Included in the unnamed namespace of a
// kernel set. REQUIRES <arm_neon.h> and kernel_table.h.

using V = int32x4_t;

inline V load(const void* p) { return vld1q_s32(static_cast<const int32_t*>(p)); }
inline void store(void* p, V v) { vst1q_s32(static_cast<int32_t*>(p), v); }
inline V add_i32(V a, V b) { return vaddq_s32(a, b); }
// Weights, unlike codes, leave nothing to be taken from their sum.
inline V start_sum(int32_t) { return vdupq_n_s32(0); }

inline void add_scaled(float* y, V isum, const float* w_scales, float x_scale) {
  const float32x4_t scale = vmulq_n_f32(vld1q_f32(w_scales), x_scale);
  vst1q_f32(y, vaddq_f32(vld1q_f32(y), vmulq_f32(vcvtq_f32_s32(isum), scale)));
}

inline int8x16_t broadcast4(const int8_t* x) {
  return vreinterpretq_s8_s32(vld1q_dup_s32(reinterpret_cast<const int32_t*>(x)));
}

// Keeps a sum in its register: without it compilers move and spill sums around a loop.
template <typename Sum>
inline void pin(Sum& sum) {
  __asm__("" : "+w"(sum));
}
// The same, in the order of the source. Where sums take three quarters of the registers, a compiler
// that loads everything at once has to spill.
template <typename Sum>
inline void pin_in_order(Sum& sum) {
  __asm__ volatile("" : "+w"(sum));
}
// What is loaded from p behind this is loaded behind the pins before it.
inline void load_in_order(const uint8_t*& p) { __asm__ volatile("" : "+r"(p)); }

// A nibble is two codes; a table finds the weight of either as fast as a mask finds its code.
struct NibbleTables {
  uint8x16_t first, second;
};
inline NibbleTables nibble_tables() {
  const uint8_t first[16] = {255, 0, 1, 2, 255, 0, 1, 2, 255, 0, 1, 2, 255, 0, 1, 2};
  const uint8_t second[16] = {255, 255, 255, 255, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2};
  return {vld1q_u8(first), vld1q_u8(second)};
}

// Here and below, the registers of a step are stored one after the other: two at a time take half
// as long.
inline void unpack_t2_line(const uint8_t* line, uint8_t* weights, size_t stride) {
  const NibbleTables tables = nibble_tables();
  uint8x16_t packed[4];
  for (size_t q = 0; q < 4; ++q) packed[q] = vld1q_u8(line + 16 * q);
  for (size_t half = 0; half < 2; ++half) {
    uint8x16_t nibbles[4];
    for (size_t q = 0; q < 4; ++q) {
      nibbles[q] = half == 0 ? vandq_u8(packed[q], vdupq_n_u8(15)) : vshrq_n_u8(packed[q], 4);
    }
    uint8_t* const to = weights + 2 * half * stride;
    for (size_t q = 0; q < 4; ++q) vst1q_u8(to + 16 * q, vqtbl1q_u8(tables.first, nibbles[q]));
    for (size_t q = 0; q < 4; ++q) {
      vst1q_u8(to + stride + 16 * q, vqtbl1q_u8(tables.second, nibbles[q]));
    }
  }
}

// A compare gives -1 where it holds: below -42 the weight itself, above 42 what it is taken from.
inline void unpack_t5_line(const uint8_t* line, uint8_t* weights, size_t stride) {
  int8x16_t three = vdupq_n_s8(3);
  pin(three);  // or GCC makes two operations of the multiplication
  int8x16_t left[4];
  for (size_t q = 0; q < 4; ++q) left[q] = vreinterpretq_s8_u8(vld1q_u8(line + 16 * q));
  for (size_t n = 0; n < kT5LineDigits; ++n) {
    for (size_t q = 0; q < 4; ++q) {
      const uint8x16_t below = vcltq_s8(left[q], vdupq_n_s8(-42));
      const uint8x16_t above = vcgtq_s8(left[q], vdupq_n_s8(42));
      vst1q_u8(weights + n * stride + 16 * q, vsubq_u8(below, above));
      left[q] = vmulq_s8(left[q], three);
    }
  }
}
