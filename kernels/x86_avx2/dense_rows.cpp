// Dense rows times float activations, 16 elements to two 256-bit registers.
#include <string.h>

#include "kernels/dense_layout.h"
#include "kernels/half.h"
#include "kernels/repeat.h"
#include "kernels/x86_avx2/avx2.h"
#include "kernels/x86_avx2/v16.h"
#include "kernels/x86_dense_scales.h"

namespace tern::kernels::avx2 {
namespace {

constexpr size_t kDenseRows = 4;
constexpr size_t kDenseBatchRows = 1;
constexpr size_t kDenseTokens = 4;

inline __m128i load8(const uint8_t* p) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
}

inline __m256 floats_of_i8(const uint8_t* q) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(load8(q)));
}

// 16 int8 as floats, times s.
inline V16 scaled(__m256 s, __m128i q) {
  return {_mm256_mul_ps(s, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q))),
          _mm256_mul_ps(s, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(q, 8))))};
}
inline V16 scaled(__m256 s, const uint8_t* q) {
  return {_mm256_mul_ps(s, floats_of_i8(q)), _mm256_mul_ps(s, floats_of_i8(q + 8))};
}

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
    repeat<n_rows>([&](auto r) {
      const uint8_t* q = block + r.value * stride + 2;
      const __m256 scale = _mm256_broadcast_ss(d + r.value);
      use(r, 0, scaled(scale, q));
      use(r, 1, scaled(scale, q + 16));
    });
  }
};

// d * q - 8 * d is exact, and so is the fused operation: it gives d * (q - 8).
struct Q4 {
  static constexpr size_t kElems = kQ4Elems, kBytes = kQ4Bytes;
  template <size_t n_rows, class Use>
  static inline void decode(const uint8_t* block, size_t stride, Use use) {
    alignas(16) float scales[4];
    load_scales<n_rows>(block, stride, scales);
    const float* d = reread(scales);
    repeat<n_rows>([&](auto r) {
      const uint8_t* q = block + r.value * stride + 2;
      const __m256 scale = _mm256_broadcast_ss(d + r.value);
      const __m256 offset = _mm256_mul_ps(scale, _mm256_set1_ps(8.0f));
      const auto value = [&](__m256i n) {
        return _mm256_fmsub_ps(_mm256_cvtepi32_ps(n), scale, offset);
      };
      const __m256i mask = _mm256_set1_epi32(15);
      const __m256i a = _mm256_cvtepu8_epi32(load8(q));
      const __m256i b = _mm256_cvtepu8_epi32(load8(q + 8));
      use(r, 0, V16{value(_mm256_and_si256(a, mask)), value(_mm256_and_si256(b, mask))});
      use(r, 1, V16{value(_mm256_srli_epi32(a, 4)), value(_mm256_srli_epi32(b, 4))});
    });
  }
};

struct Q6 {
  static constexpr size_t kElems = kQ6Elems, kBytes = kQ6Bytes;

  template <size_t n_rows, class Use>
  static inline void decode(const uint8_t* block, size_t stride, Use use) {
    alignas(32) float scales[16 * n_rows];
    repeat<n_rows>([&](auto r) {
      const uint8_t* row = block + r.value * stride;
      int16_t half;
      memcpy(&half, row + kQ6Scale, sizeof(half));
      const __m256 d = _mm256_cvtph_ps(_mm_set1_epi16(half));
      v_store(scales + 16 * r.value, scaled(d, row + kQ6Scales));
    });
    const float* s = reread(scales);
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i two_bits = _mm256_set1_epi8(48);
    const __m256i middle = _mm256_set1_epi8(32);
    for (size_t half = 0; half < 2; ++half) {
      repeat<n_rows>([&](auto r) {
        const uint8_t* row = block + r.value * stride;
        const auto* in = reinterpret_cast<const __m256i*>(row + 64 * half);
        const __m256i high =
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + kQ6High + 32 * half));
        // Bits that shifts carry from byte to byte fall outside of the masks.
        const __m256i high_parts[4] = {_mm256_slli_epi16(high, 4), _mm256_slli_epi16(high, 2), high,
                                       _mm256_srli_epi16(high, 2)};
        const float* row_scales = s + 16 * r.value + 8 * half;
        repeat<4>([&](auto i) {
          __m256i low = _mm256_loadu_si256(in + i.value % 2);
          if (i.value >= 2) low = _mm256_srli_epi16(low, 4);
          const __m256i q =
              _mm256_sub_epi8(_mm256_or_si256(_mm256_and_si256(low, nibble),
                                              _mm256_and_si256(high_parts[i.value], two_bits)),
                              middle);
          use(r, 8 * half + 2 * i.value,
              scaled(_mm256_broadcast_ss(row_scales + 2 * i.value), _mm256_castsi256_si128(q)));
          use(r, 8 * half + 2 * i.value + 1,
              scaled(_mm256_broadcast_ss(row_scales + 2 * i.value + 1),
                     _mm256_extracti128_si256(q, 1)));
        });
      });
    }
  }
};

}  // namespace

#include "kernels/vector_dense_rows.h"

}  // namespace tern::kernels::avx2
