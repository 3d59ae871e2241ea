// The formats of vector_dense_rows_i8.h in 256-bit registers, of which 32 elements fill one and
// their sums of four the 8 lanes of another. The including file first includes avx2's v16.h and
// x86_dense_scales.h and defines
//
//   fours(start, u, x)   start and the sums of four products of bytes u, unsigned, and x, signed;
//                        the sum of two neighbours fits int16
//
// REQUIRES dense_layout.h, repeat.h and <string.h>.

namespace {

struct Bytes64 {
  __m256i first, second;
};

inline __m256i load32(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

inline V16 x_scales_at(const float* two) {
  return {_mm256_broadcast_ss(two), _mm256_broadcast_ss(two + 1)};
}

struct Q8 {
  static constexpr size_t kElems = 2 * kQ8Elems, kBytes = 2 * kQ8Bytes;

  using Input = Bytes64;
  // -128, which has no negative, stands beside zeros and below an infinite scale alone: -127 in its
  // place gives the same infinities.
  static inline Input input(const int8_t* x) {
    const __m256i least = _mm256_set1_epi8(-127);
    return {_mm256_max_epi8(load32(x), least), _mm256_max_epi8(load32(x + 32), least)};
  }
  static inline V16 x_scale(const float* two) { return x_scales_at(two); }

  // Of the first blocks of up to four rows, then of the second.
  struct Scales {
    alignas(32) float values[8];
  };
  static inline Scales floats_of(int64_t first, int64_t second) {
    Scales scales;
    _mm256_store_ps(scales.values, _mm256_cvtph_ps(_mm_set_epi64x(second, first)));
    return scales;
  }
  template <size_t n_rows>
  static inline Scales load_scales(const uint8_t* unit, size_t stride) {
    return floats_of(gather_scales<n_rows>(unit, stride),
                     gather_scales<n_rows>(unit + kQ8Bytes, stride));
  }
  template <class Row, class Step>
  static inline V16 scale(const Scales& scales, Row, Step) {
    const float* at = reread(scales.values) + Row::value;
    return {_mm256_broadcast_ss(at), _mm256_broadcast_ss(at + 4)};
  }

  template <class Step>
  static inline Bytes64 codes(const uint8_t* unit, Step) {
    return {load32(unit + 2), load32(unit + kQ8Bytes + 2)};
  }
  // |w| is at most 128 and |x| 127, two products 32512.
  static inline __m256 sums32(__m256i w, __m256i x) {
    return _mm256_cvtepi32_ps(
        fours(_mm256_setzero_si256(), _mm256_abs_epi8(w), _mm256_sign_epi8(x, w)));
  }
  static inline V16 sums(Bytes64 codes, const Input& x) {
    return {sums32(codes.first, x.first), sums32(codes.second, x.second)};
  }
};

struct Q8Half : Q8 {
  static inline V16 x_scale(const float* one) {
    return {_mm256_broadcast_ss(one), _mm256_setzero_ps()};
  }
  template <size_t n_rows>
  static inline Scales load_scales(const uint8_t* unit, size_t stride) {
    return floats_of(gather_scales<n_rows>(unit, stride), 0);
  }
  template <class Step>
  static inline Bytes64 codes(const uint8_t* unit, Step) {
    return {load32(unit + 2), _mm256_setzero_si256()};
  }
};

struct Q6 {
  static constexpr size_t kElems = kQ6Elems, kBytes = kQ6Bytes;

  // Codes are the stored 0..63: sums begin with 32 times those of x, taken off.
  struct Input {
    Bytes64 x, start;
  };
  static inline Input input(const int8_t* p) {
    const Bytes64 x = {load32(p), load32(p + 32)};
    const __m256i zero = _mm256_setzero_si256();
    const __m256i shift = _mm256_set1_epi8(32);
    return {x,
            {_mm256_sub_epi32(zero, fours(zero, shift, x.first)),
             _mm256_sub_epi32(zero, fours(zero, shift, x.second))}};
  }
  static inline V16 x_scale(const float* two) { return x_scales_at(two); }

  template <size_t n_rows>
  struct Scales {
    alignas(32) float values[16 * n_rows];
  };
  template <size_t n_rows>
  static inline Scales<n_rows> load_scales(const uint8_t* unit, size_t stride) {
    Scales<n_rows> scales;
    repeat<n_rows>([&](auto r) TERN_INLINE_BODY {
      const uint8_t* block = unit + r.value * stride;
      int16_t half;
      memcpy(&half, block + kQ6Scale, sizeof(half));
      const __m256 d = _mm256_cvtph_ps(_mm_set1_epi16(half));
      v_store(scales.values + 16 * r.value,
              v_mul({d, d}, v_load_i8(reinterpret_cast<const int8_t*>(block + kQ6Scales))));
    });
    return scales;
  }
  template <size_t n_rows, class Row, class Step>
  static inline V16 scale(const Scales<n_rows>& scales, Row, Step) {
    const float* at = reread(scales.values) + 16 * Row::value + 4 * Step::value;
    const __m256 four = _mm256_broadcast_ps(reinterpret_cast<const __m128*>(at));
    return {_mm256_permutevar_ps(four, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1)),
            _mm256_permutevar_ps(four, _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3))};
  }

  template <class Step>
  static inline Bytes64 codes(const uint8_t* unit, Step) {
    constexpr size_t half = Step::value / 2;
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i two_bits = _mm256_set1_epi8(48);
    const __m256i high = load32(unit + kQ6High + 32 * half);
    // Bits that shifts carry from byte to byte fall outside of the masks.
    const auto join = [&](__m256i low, __m256i shifted) {
      return _mm256_or_si256(_mm256_and_si256(low, nibble), _mm256_and_si256(shifted, two_bits));
    };
    const __m256i first = load32(unit + 64 * half);
    const __m256i second = load32(unit + 64 * half + 32);
    if constexpr (Step::value % 2 == 0) {
      return {join(first, _mm256_slli_epi16(high, 4)), join(second, _mm256_slli_epi16(high, 2))};
    } else {
      return {join(_mm256_srli_epi16(first, 4), high),
              join(_mm256_srli_epi16(second, 4), _mm256_srli_epi16(high, 2))};
    }
  }
  // Two products are at most 2 * 63 * 128.
  static inline V16 sums(Bytes64 codes, const Input& in) {
    return {_mm256_cvtepi32_ps(fours(in.start.first, codes.first, in.x.first)),
            _mm256_cvtepi32_ps(fours(in.start.second, codes.second, in.x.second))};
  }
};

}  // namespace
