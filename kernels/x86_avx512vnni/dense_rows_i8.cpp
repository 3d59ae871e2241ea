// Dense rows times int8 activations: 64 products to a vpdpbusd, which leaves the sums of fours in
// the 16 lanes. Its first operand is unsigned, so codes are shifted up by their least value, and
// sums begin with what that adds, taken off.
#include <string.h>

#include "kernels/dense_layout.h"
#include "kernels/repeat.h"
#include "kernels/x86_avx512vnni/avx512vnni.h"
#include "kernels/x86_avx512vnni/v16.h"
#include "kernels/x86_dense_scales.h"

namespace tern::kernels::avx512vnni {
namespace {

constexpr size_t kI8Rows = 4;
constexpr size_t kI8BatchRows = 4;
constexpr size_t kI8Tokens = 4;

inline __m256i load32(const uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

// kShift: what the codes are shifted up by, as a byte.
template <uint8_t kShift>
struct Shifted {
  struct Input {
    __m512i x, start;
  };
  static inline Input input(const int8_t* p) {
    const __m512i x = _mm512_load_si512(p);
    const __m512i shift = _mm512_set1_epi8(static_cast<char>(kShift));
    const __m512i zero = _mm512_setzero_si512();
    return {x, _mm512_sub_epi32(zero, _mm512_dpbusd_epi32(zero, shift, x))};
  }
  // |sum| <= 4 * 255 * 128
  static inline V16 sums(__m512i codes, const Input& in) {
    return _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(in.start, codes, in.x));
  }
  static inline V16 x_scale(const float* two) {
    const __m512i half = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi32(1), 1);
    const __m128 both = _mm_castsi128_ps(_mm_loadu_si64(two));
    return _mm512_permutexvar_ps(half, _mm512_castps128_ps512(both));
  }
};

// Scales of Q8_0: those of the first blocks in lanes 0 to 3, of the second in lanes 4 to 7.
inline __m512 floats_of_halves(int64_t first, int64_t second) {
  return _mm512_castps256_ps512(_mm256_cvtph_ps(_mm_set_epi64x(second, first)));
}

struct Q8 : Shifted<128> {
  static constexpr size_t kElems = 2 * kQ8Elems, kBytes = 2 * kQ8Bytes;

  template <size_t n_rows>
  static inline __m512 load_scales(const uint8_t* unit, size_t stride) {
    return floats_of_halves(gather_scales<n_rows>(unit, stride),
                            gather_scales<n_rows>(unit + kQ8Bytes, stride));
  }
  template <class Row, class Step>
  static inline V16 scale(__m512 scales, Row, Step) {
    constexpr int r = static_cast<int>(Row::value);
    const __m512i index = _mm512_inserti64x4(_mm512_set1_epi32(r), _mm256_set1_epi32(4 + r), 1);
    return _mm512_permutexvar_ps(index, scales);
  }
  template <class Step>
  static inline __m512i codes(const uint8_t* unit, Step) {
    const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(load32(unit + 2)),
                                            load32(unit + kQ8Bytes + 2), 1);
    return _mm512_xor_si512(both, _mm512_set1_epi8(-128));
  }
};

struct Q8Half : Q8 {
  template <size_t n_rows>
  static inline __m512 load_scales(const uint8_t* unit, size_t stride) {
    return floats_of_halves(gather_scales<n_rows>(unit, stride), 0);
  }
  template <class Step>
  static inline __m512i codes(const uint8_t* unit, Step) {
    return _mm512_xor_si512(_mm512_zextsi256_si512(load32(unit + 2)), _mm512_set1_epi8(-128));
  }
  static inline V16 x_scale(const float* one) {
    return _mm512_maskz_broadcastss_ps(0xff, _mm_load_ss(one));
  }
};

struct Q6 : Shifted<32> {
  static constexpr size_t kElems = kQ6Elems, kBytes = kQ6Bytes;

  template <size_t n_rows>
  struct Scales {
    __m512 of_row[n_rows];  // the 16 of the block
  };
  template <size_t n_rows>
  static inline Scales<n_rows> load_scales(const uint8_t* unit, size_t stride) {
    Scales<n_rows> scales;
    repeat<n_rows>([&](auto r) TERN_INLINE_BODY {
      const uint8_t* block = unit + r.value * stride;
      int16_t half;
      memcpy(&half, block + kQ6Scale, sizeof(half));
      scales.of_row[r.value] =
          _mm512_mul_ps(_mm512_cvtph_ps(_mm256_set1_epi16(half)),
                        v_load_i8(reinterpret_cast<const int8_t*>(block + kQ6Scales)));
    });
    return scales;
  }
  template <size_t n_rows, class Row, class Step>
  static inline V16 scale(const Scales<n_rows>& scales, Row, Step) {
    constexpr int i = static_cast<int>(4 * Step::value);
    const __m512i index = _mm512_setr_epi32(i, i, i, i, i + 1, i + 1, i + 1, i + 1, i + 2, i + 2,
                                            i + 2, i + 2, i + 3, i + 3, i + 3, i + 3);
    return _mm512_permutexvar_ps(index, scales.of_row[Row::value]);
  }
  // 64 of 6 bits.
  template <class Step>
  static inline __m512i codes(const uint8_t* unit, Step) {
    constexpr size_t half = Step::value / 2;
    const __m512i low = _mm512_loadu_si512(unit + 64 * half);
    const __m512i high = _mm512_broadcast_i64x4(load32(unit + kQ6High + 32 * half));
    const __m512i low_bits = _mm512_set1_epi8(15);
    // The 2-bit parts of the first 32 and of the second go to bits 4 and 5; bits that cross from
    // byte to byte fall outside of these two. 0xca takes the second operand where the first has a
    // one, else the third.
    __m512i both;
    if constexpr (Step::value % 2 == 0) {
      const __m512i left = _mm512_inserti64x4(_mm512_set1_epi16(4), _mm256_set1_epi16(2), 1);
      both = _mm512_ternarylogic_epi32(low_bits, low, _mm512_sllv_epi16(high, left), 0xca);
    } else {
      const __m512i right = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(2), 1);
      both = _mm512_ternarylogic_epi32(low_bits, _mm512_srli_epi16(low, 4),
                                       _mm512_srlv_epi16(high, right), 0xca);
    }
    return _mm512_and_si512(both, _mm512_set1_epi8(63));
  }
};

}  // namespace

#include "kernels/vector_dense_rows_i8.h"

}  // namespace tern::kernels::avx512vnni
