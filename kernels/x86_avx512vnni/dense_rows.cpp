// Dense rows times float activations, 16 elements to a 512-bit register.
#include <string.h>

#include "kernels/dense_layout.h"
#include "kernels/half.h"
#include "kernels/repeat.h"
#include "kernels/x86_avx512vnni/avx512vnni.h"
#include "kernels/x86_avx512vnni/v16.h"
#include "kernels/x86_dense_scales.h"

namespace tern::kernels::avx512vnni {
namespace {

constexpr size_t kDenseRows = 4;
constexpr size_t kDenseBatchRows = 4;
constexpr size_t kDenseTokens = 4;

inline __m128i load16(const uint8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

inline __m512 floats_of_i8(__m128i q) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q)); }

// The f16 in front of n_rows blocks as floats, zeros up to four of them.
template <size_t n_rows>
inline void load_scales(const uint8_t* block, size_t stride, float* scales) {
  _mm_store_ps(scales, _mm_cvtph_ps(_mm_cvtsi64_si128(gather_scales<n_rows>(block, stride))));
}

struct Q8 {
  static constexpr size_t kElems = kQ8Elems, kBytes = kQ8Bytes;
  template <size_t n_rows, class Use>
  static inline void decode(const uint8_t* block, size_t stride, Use use) {
    alignas(16) float scales[4];
    load_scales<n_rows>(block, stride, scales);
    const float* d = reread(scales);
    repeat<2>([&](auto i) {
      repeat<n_rows>([&](auto r) {
        const uint8_t* q = block + r.value * stride + 2 + 16 * i.value;
        use(r, i.value, _mm512_mul_ps(_mm512_set1_ps(d[r.value]), floats_of_i8(load16(q))));
      });
    });
  }
};

// The 16 values that an element can have are one register; a permutation looks them up by the low
// four bits of every lane.
struct Q4 {
  static constexpr size_t kElems = kQ4Elems, kBytes = kQ4Bytes;
  template <size_t n_rows, class Use>
  static inline void decode(const uint8_t* block, size_t stride, Use use) {
    const __m512 levels = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
    alignas(16) float scales[4];
    load_scales<n_rows>(block, stride, scales);
    const float* d = reread(scales);
    repeat<2>([&](auto i) {
      repeat<n_rows>([&](auto r) {
        const __m512 values = _mm512_mul_ps(_mm512_set1_ps(d[r.value]), levels);
        const __m512i q = _mm512_cvtepu8_epi32(load16(block + r.value * stride + 2));
        use(r, i.value, _mm512_permutexvar_ps(i.value == 0 ? q : _mm512_srli_epi32(q, 4), values));
      });
    });
  }
};

struct Q6 {
  static constexpr size_t kElems = kQ6Elems, kBytes = kQ6Bytes;

  // 64 elements q less 32 of each row, times their four scales. Rows take turns: the additions of
  // one wait for each other, and eight in a row would fill the window of the CPU with waiting.
  template <size_t n_rows, class Use>
  static inline void use64(const __m512i* q, const float* scales, size_t first, Use use) {
    repeat<4>([&](auto i) {
      repeat<n_rows>([&](auto r) {
        const __m128i part = _mm512_extracti32x4_epi32(q[r.value], static_cast<int>(i.value));
        const __m512 scale = _mm512_set1_ps(scales[16 * r.value + i.value]);
        use(r, first + i.value, _mm512_mul_ps(scale, floats_of_i8(part)));
      });
    });
  }

  template <size_t n_rows, class Use>
  static inline void decode(const uint8_t* block, size_t stride, Use use) {
    alignas(64) float scales[16 * n_rows];
    repeat<n_rows>([&](auto r) {
      const uint8_t* row = block + r.value * stride;
      int16_t half;
      memcpy(&half, row + kQ6Scale, sizeof(half));
      const __m512 d = _mm512_cvtph_ps(_mm256_set1_epi16(half));
      _mm512_store_ps(scales + 16 * r.value,
                      _mm512_mul_ps(d, floats_of_i8(load16(row + kQ6Scales))));
    });
    const float* s = reread(scales);
    const __m512i low_bits = _mm512_set1_epi8(15);
    const __m512i all_bits = _mm512_set1_epi8(63);
    const __m512i middle = _mm512_set1_epi8(32);
    // Shifts that bring the 2-bit parts of elements 0..31, 32..63 to bits 4 and 5. Bits that cross
    // from byte to byte fall outside of these two.
    const __m512i left = _mm512_inserti64x4(_mm512_set1_epi16(4), _mm256_set1_epi16(2), 1);
    const __m512i right = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(2), 1);
    for (size_t half = 0; half < 2; ++half) {
      __m512i first[n_rows];
      __m512i second[n_rows];
      repeat<n_rows>([&](auto r) {
        const uint8_t* row = block + r.value * stride;
        const __m512i low = _mm512_loadu_si512(row + 64 * half);
        const __m512i high = _mm512_broadcast_i64x4(
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + kQ6High + 32 * half)));
        // a where the mask has a one, else b: 0xca is that function's table.
        const __m512i a =
            _mm512_ternarylogic_epi32(low_bits, low, _mm512_sllv_epi16(high, left), 0xca);
        const __m512i b = _mm512_ternarylogic_epi32(low_bits, _mm512_srli_epi16(low, 4),
                                                    _mm512_srlv_epi16(high, right), 0xca);
        first[r.value] = _mm512_sub_epi8(_mm512_and_si512(a, all_bits), middle);
        second[r.value] = _mm512_sub_epi8(_mm512_and_si512(b, all_bits), middle);
      });
      use64<n_rows>(first, s + 8 * half, 8 * half, use);
      use64<n_rows>(second, s + 8 * half + 4, 8 * half + 4, use);
    }
  }
};

}  // namespace

#include "kernels/vector_dense_rows.h"

}  // namespace tern::kernels::avx512vnni
