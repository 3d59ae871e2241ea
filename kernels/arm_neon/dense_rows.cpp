// Dense rows times float activations, 16 elements to four 128-bit registers.
#include <string.h>

#include "kernels/arm_neon/neon.h"
#include "kernels/arm_neon/v16.h"
#include "kernels/dense_layout.h"
#include "kernels/half.h"
#include "kernels/repeat.h"

namespace tern::kernels::neon {
namespace {

constexpr size_t kDenseRows = 4;
constexpr size_t kDenseBatchRows = 1;
constexpr size_t kDenseTokens = 4;

// 16 int8 as floats, times s. Inlined by force, or GCC calls it for every block of a row.
[[gnu::always_inline]] inline V16 scaled(float s, int8x16_t q) {
  const int16x8_t low = vmovl_s8(vget_low_s8(q));
  const int16x8_t high = vmovl_s8(vget_high_s8(q));
  return {{vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), s),
           vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_high_s16(low))), s),
           vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), s),
           vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_high_s16(high))), s)}};
}

inline float scale_at(const uint8_t* p) {
  uint16_t half;
  memcpy(&half, p, sizeof(half));
  return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
}

struct Q8 {
  static constexpr size_t kElems = kQ8Elems, kBytes = kQ8Bytes;
  template <size_t n_rows, class Use>
  static inline void decode(const uint8_t* block, size_t stride, Use use) {
    repeat<n_rows>([&](auto r) TERN_INLINE_BODY {
      const uint8_t* row = block + r.value * stride;
      const float d = scale_at(row);
      use(r, 0, scaled(d, vreinterpretq_s8_u8(vld1q_u8(row + 2))));
      use(r, 1, scaled(d, vreinterpretq_s8_u8(vld1q_u8(row + 18))));
    });
  }
};

struct Q4 {
  static constexpr size_t kElems = kQ4Elems, kBytes = kQ4Bytes;
  template <size_t n_rows, class Use>
  static inline void decode(const uint8_t* block, size_t stride, Use use) {
    const int8x16_t eight = vdupq_n_s8(8);
    repeat<n_rows>([&](auto r) TERN_INLINE_BODY {
      const uint8_t* row = block + r.value * stride;
      const float d = scale_at(row);
      const uint8x16_t bytes = vld1q_u8(row + 2);
      const uint8x16_t low = vandq_u8(bytes, vdupq_n_u8(15));
      use(r, 0, scaled(d, vsubq_s8(vreinterpretq_s8_u8(low), eight)));
      use(r, 1, scaled(d, vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4)), eight)));
    });
  }
};

struct Q6 {
  static constexpr size_t kElems = kQ6Elems, kBytes = kQ6Bytes;

  // 16 values q of 6 bits, the upper two in bits 5 and 4 of `high` among others, less 32.
  static inline int8x16_t levels(uint8x16_t low, uint8x16_t high) {
    const uint8x16_t q = vorrq_u8(low, vandq_u8(high, vdupq_n_u8(48)));
    return vsubq_s8(vreinterpretq_s8_u8(q), vdupq_n_s8(32));
  }

  template <size_t n_rows, class Use>
  static inline void decode(const uint8_t* block, size_t stride, Use use) {
    const uint8x16_t nibble = vdupq_n_u8(15);
    repeat<n_rows>([&](auto r) TERN_INLINE_BODY {
      const uint8_t* row = block + r.value * stride;
      float scales[16];
      v_store(scales,
              scaled(scale_at(row + kQ6Scale), vreinterpretq_s8_u8(vld1q_u8(row + kQ6Scales))));
      for (size_t half = 0; half < 2; ++half) {
        const uint8_t* in = row + 64 * half;
        const uint8_t* in_high = row + kQ6High + 32 * half;
        const float* s = scales + 8 * half;
        repeat<8>([&](auto index) TERN_INLINE_BODY {
          constexpr size_t i = index.value;
          const uint8x16_t bytes = vld1q_u8(in + 16 * (i % 4));
          const uint8x16_t low = i < 4 ? vandq_u8(bytes, nibble) : vshrq_n_u8(bytes, 4);
          const uint8x16_t two = vld1q_u8(in_high + 16 * (i % 2));
          const uint8x16_t high = i < 2   ? vshlq_n_u8(two, 4)
                                  : i < 4 ? vshlq_n_u8(two, 2)
                                  : i < 6 ? two
                                          : vshrq_n_u8(two, 2);
          use(r, 8 * half + i, scaled(s[i], levels(low, high)));
        });
      }
    });
  }
};

}  // namespace

#include "kernels/vector_dense_rows.h"

}  // namespace tern::kernels::neon
