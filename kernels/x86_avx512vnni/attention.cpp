// Attention over the 16 lanes of this set.
#include <math.h>
#include <string.h>

#include "kernels/exp_constants.h"
#include "kernels/half.h"
#include "kernels/repeat.h"
#include "kernels/x86_avx512vnni/avx512vnni.h"
#include "kernels/x86_avx512vnni/v16.h"

namespace tern::kernels::avx512vnni {
namespace {

// 16 chains of 32 registers.
constexpr int kTileQueries = 8;
constexpr int kTileGroups = 2;
constexpr int kTileVectors = 2;

// Factors in two parts, which VPDPBUSD takes as signed bytes: the lower 7 bits, and the upper 8.
// Four of each lie side by side, the upper ones first.
constexpr int kFactorQueries = 4;
constexpr int kFactorVectors = 2;
constexpr int kLowBits = 7;

inline void store_factors(V16 x, int16_t* to) {
  const __m512i factors = _mm512_cvtps_epi32(x);
  // Bits 6-0 stay, bits 14-7 move up to the next byte.
  const __m512i parts =
      _mm512_or_si512(_mm512_and_si512(factors, _mm512_set1_epi32((1 << kLowBits) - 1)),
                      _mm512_slli_epi32(_mm512_srai_epi32(factors, kLowBits), 8));
  const __m256i by_four = _mm256_set_epi8(14, 12, 10, 8, 15, 13, 11, 9, 6, 4, 2, 0, 7, 5, 3, 1, 14,
                                          12, 10, 8, 15, 13, 11, 9, 6, 4, 2, 0, 7, 5, 3, 1);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm256_shuffle_epi8(_mm512_cvtepi32_epi16(parts), by_four));
}

inline int32_t factor_sum(V16 x) { return static_cast<int32_t>(_mm512_reduce_add_ps(x)); }

inline __m512i broadcast(const int16_t* p) {
  int32_t four;
  memcpy(&four, p, sizeof(four));
  return _mm512_set1_epi32(four);
}

// Keeps a sum in its register: without it GCC 12 moves and spills sums around the loop.
inline void pin(__m512i& sum) { __asm__("" : "+v"(sum)); }

// The codes become unsigned by adding 128, which adds 128 times the sum of the factors. Sums of the
// upper parts are at most 255 * 128 * 256 and, shifted, 2^30.
template <int Q, int N, size_t row, typename Ahead>
TERN_INLINE_BODY inline void factor_products(const int8_t* codes, size_t next_vector, size_t step,
                                             size_t n_quads, const int16_t* factors,
                                             const int32_t* sums, Ahead ahead, V16 (*out)[N]) {
  const __m512i flip = _mm512_set1_epi8(-128);
  __m512i high[Q][N];
  __m512i low[Q][N];
  repeat<Q>([&](auto i) TERN_INLINE_BODY {
    repeat<N>([&](auto n) TERN_INLINE_BODY {
      high[i][n] = low[i][n] = _mm512_setzero_si512();
      pin(high[i][n]);
      pin(low[i][n]);
    });
  });
  for (size_t quad = 0; quad < n_quads; ++quad) {
    __m512i c[N];
    repeat<N>([&](auto n) TERN_INLINE_BODY {
      c[n] = _mm512_xor_si512(_mm512_loadu_si512(codes + n * next_vector), flip);
    });
    repeat<Q>([&](auto i) TERN_INLINE_BODY {
      const __m512i upper = broadcast(factors + i * row);
      repeat<N>([&](auto n) TERN_INLINE_BODY {
        high[i][n] = _mm512_dpbusd_epi32(high[i][n], c[n], upper);
        pin(high[i][n]);
      });
      const __m512i lower = broadcast(factors + i * row + 2);
      repeat<N>([&](auto n) TERN_INLINE_BODY {
        low[i][n] = _mm512_dpbusd_epi32(low[i][n], c[n], lower);
        pin(low[i][n]);
      });
    });
    ahead(quad);
    codes += step;
    factors += 4;
  }
  repeat<Q>([&](auto i) TERN_INLINE_BODY {
    const __m512i added = _mm512_set1_epi32(128 * sums[i]);
    repeat<N>([&](auto n) TERN_INLINE_BODY {
      const __m512i sum = _mm512_add_epi32(_mm512_slli_epi32(high[i][n], kLowBits), low[i][n]);
      out[i][n] = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, added));
    });
  });
}

}  // namespace

#include "kernels/vector_attention.h"

}  // namespace tern::kernels::avx512vnni
