// Attention over the 16 lanes of this set.
#include <math.h>
#include <string.h>

#include "kernels/exp_constants.h"
#include "kernels/half.h"
#include "kernels/repeat.h"
#include "kernels/x86_avx2/avx2.h"
#include "kernels/x86_avx2/v16.h"

namespace tern::kernels::avx2 {
namespace {

// 4 chains of two of 16 registers.
constexpr int kTileQueries = 4;
constexpr int kTileGroups = 1;
constexpr int kTileVectors = 1;

// Factors as they are, which VPMADDWD multiplies with the widened codes. A vector of 16 lanes is
// four registers with two sums a lane: 8 of 16 registers for two queries.
constexpr int kFactorQueries = 2;
constexpr int kFactorVectors = 1;

inline void store_factors(V16 x, int16_t* to) {
  // The pack works within 128-bit halves; the permutation puts the quarters in order.
  const __m256i pack = _mm256_packs_epi32(_mm256_cvtps_epi32(x.low), _mm256_cvtps_epi32(x.high));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permute4x64_epi64(pack, 0xd8));
}

inline int32_t factor_sum(V16) { return 0; }  // of no use here

// Keeps a sum in its register: without it GCC 12 moves and spills sums around the loop.
inline void pin_beside(__m256i& sum, __m256i product) { __asm__("" : "+x"(sum) : "x"(product)); }

template <int Q, int N, size_t row, typename Ahead>
TERN_INLINE_BODY inline void factor_products(const int8_t* codes, size_t, size_t step,
                                             size_t n_quads, const int16_t* factors, const int32_t*,
                                             Ahead ahead, V16 (*out)[N]) {
  static_assert(N == 1);
  __m256i sums[Q][4];
  repeat<Q>([&](auto i) TERN_INLINE_BODY {
    repeat<4>([&](auto j) TERN_INLINE_BODY { sums[i][j] = _mm256_setzero_si256(); });
  });
  for (size_t quad = 0; quad < n_quads; ++quad) {
    __m256i f[Q];
    repeat<Q>([&](auto i) TERN_INLINE_BODY {
      int64_t four;
      memcpy(&four, factors + i * row, sizeof(four));
      f[i] = _mm256_set1_epi64x(four);
    });
    repeat<4>([&](auto j) TERN_INLINE_BODY {
      const __m256i c =
          _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes) + j));
      repeat<Q>([&](auto i) TERN_INLINE_BODY {
        const __m256i product = _mm256_madd_epi16(c, f[i]);
        sums[i][j] = _mm256_add_epi32(sums[i][j], product);
        pin_beside(sums[i][j], product);
      });
    });
    ahead(quad);
    codes += step;
    factors += 4;
  }
  // The two sums of a lane, in the order of the lanes.
  const auto lanes = [](__m256i a, __m256i b) {
    return _mm256_cvtepi32_ps(_mm256_permute4x64_epi64(_mm256_hadd_epi32(a, b), 0xd8));
  };
  repeat<Q>([&](auto i) TERN_INLINE_BODY {
    out[i][0] = {lanes(sums[i][0], sums[i][1]), lanes(sums[i][2], sums[i][3])};
  });
}

}  // namespace

#include "kernels/vector_attention.h"

}  // namespace tern::kernels::avx2
