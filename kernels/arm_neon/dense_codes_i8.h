// The formats of kernels/vector_dense_rows_i8.h in NEON registers, four of 16 elements. The
// including file first includes v16.h and defines
//
//   fours(w, x)   sums of four products of 16 int8 each, the products of two neighbours at most
//   32512
//
// REQUIRES dense_layout.h, repeat.h and <string.h>.

namespace {

struct Codes64 {
  int8x16_t part[4];
};

inline float scale_at(const uint8_t* p) {
  uint16_t half;
  memcpy(&half, p, sizeof(half));
  return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
}

// What both formats have in common: codes are signed.
struct Signed {
  using Input = Codes64;
  // -128 stands beside zeros and below an infinite scale alone: -127 in its place gives the same
  // infinities, and pairs of products with a code of -128 stay within int16.
  static inline int8x16_t part(const int8_t* x) { return vmaxq_s8(vld1q_s8(x), vdupq_n_s8(-127)); }
  static inline Input input(const int8_t* x) {
    return {{part(x), part(x + 16), part(x + 32), part(x + 48)}};
  }
  static inline V16 x_scale(const float* two) {
    const float32x4_t first = vdupq_n_f32(two[0]);
    const float32x4_t second = vdupq_n_f32(two[1]);
    return {{first, first, second, second}};
  }
  static inline V16 sums(const Codes64& codes, const Input& x) {
    return {{vcvtq_f32_s32(fours(codes.part[0], x.part[0])),
             vcvtq_f32_s32(fours(codes.part[1], x.part[1])),
             vcvtq_f32_s32(fours(codes.part[2], x.part[2])),
             vcvtq_f32_s32(fours(codes.part[3], x.part[3]))}};
  }
};

struct Q8 : Signed {
  static constexpr size_t kElems = 2 * kQ8Elems, kBytes = 2 * kQ8Bytes;

  template <size_t n_rows>
  struct Scales {
    float first[n_rows], second[n_rows];
  };
  template <size_t n_rows>
  static inline Scales<n_rows> load_scales(const uint8_t* unit, size_t stride) {
    Scales<n_rows> scales;
    for (size_t r = 0; r < n_rows; ++r) {
      scales.first[r] = scale_at(unit + r * stride);
      scales.second[r] = scale_at(unit + r * stride + kQ8Bytes);
    }
    return scales;
  }
  template <size_t n_rows, class Row, class Step>
  static inline V16 scale(const Scales<n_rows>& scales, Row, Step) {
    const float32x4_t first = vdupq_n_f32(scales.first[Row::value]);
    const float32x4_t second = vdupq_n_f32(scales.second[Row::value]);
    return {{first, first, second, second}};
  }
  static inline int8x16_t code16(const uint8_t* p) { return vreinterpretq_s8_u8(vld1q_u8(p)); }
  template <class Step>
  static inline Codes64 codes(const uint8_t* unit, Step) {
    return {{code16(unit + 2), code16(unit + 18), code16(unit + kQ8Bytes + 2),
             code16(unit + kQ8Bytes + 18)}};
  }
};

struct Q8Half : Q8 {
  static inline V16 x_scale(const float* one) {
    const float32x4_t first = vdupq_n_f32(one[0]);
    const float32x4_t second = vdupq_n_f32(0.0f);
    return {{first, first, second, second}};
  }
  template <size_t n_rows>
  static inline Scales<n_rows> load_scales(const uint8_t* unit, size_t stride) {
    Scales<n_rows> scales;
    for (size_t r = 0; r < n_rows; ++r) {
      scales.first[r] = scale_at(unit + r * stride);
      scales.second[r] = 0.0f;
    }
    return scales;
  }
  template <class Step>
  static inline Codes64 codes(const uint8_t* unit, Step) {
    return {{code16(unit + 2), code16(unit + 18), vdupq_n_s8(0), vdupq_n_s8(0)}};
  }
};

struct Q6 : Signed {
  static constexpr size_t kElems = kQ6Elems, kBytes = kQ6Bytes;

  template <size_t n_rows>
  struct Scales {
    V16 of_row[n_rows];  // the 16 of the block
  };
  template <size_t n_rows>
  static inline Scales<n_rows> load_scales(const uint8_t* unit, size_t stride) {
    Scales<n_rows> scales;
    repeat<n_rows>([&](auto r) TERN_INLINE_BODY {
      const uint8_t* block = unit + r.value * stride;
      scales.of_row[r.value] = v_mul(v_set1(scale_at(block + kQ6Scale)),
                                     v_load_i8(reinterpret_cast<const int8_t*>(block + kQ6Scales)));
    });
    return scales;
  }
  template <size_t n_rows, class Row, class Step>
  static inline V16 scale(const Scales<n_rows>& scales, Row, Step) {
    const float32x4_t four = scales.of_row[Row::value].part[Step::value];
    return {{vdupq_laneq_f32(four, 0), vdupq_laneq_f32(four, 1), vdupq_laneq_f32(four, 2),
             vdupq_laneq_f32(four, 3)}};
  }

  // 16 codes, the upper two bits in bits 5 and 4 of `high` among others, less 32.
  static inline int8x16_t code16(uint8x16_t low, uint8x16_t high) {
    const uint8x16_t q = vorrq_u8(low, vandq_u8(high, vdupq_n_u8(48)));
    return vsubq_s8(vreinterpretq_s8_u8(q), vdupq_n_s8(32));
  }
  template <class Step>
  static inline Codes64 codes(const uint8_t* unit, Step) {
    constexpr size_t half = Step::value / 2;
    const uint8_t* in = unit + 64 * half;
    const uint8x16_t high[2] = {vld1q_u8(unit + kQ6High + 32 * half),
                                vld1q_u8(unit + kQ6High + 32 * half + 16)};
    Codes64 codes;
    repeat<4>([&](auto i) TERN_INLINE_BODY {
      const uint8x16_t bytes = vld1q_u8(in + 16 * i.value);
      const uint8x16_t two = high[i.value % 2];
      if constexpr (Step::value % 2 == 0) {
        codes.part[i.value] = code16(vandq_u8(bytes, vdupq_n_u8(15)),
                                     i.value < 2 ? vshlq_n_u8(two, 4) : vshlq_n_u8(two, 2));
      } else {
        codes.part[i.value] = code16(vshrq_n_u8(bytes, 4), i.value < 2 ? two : vshrq_n_u8(two, 2));
      }
    });
    return codes;
  }
};

}  // namespace
