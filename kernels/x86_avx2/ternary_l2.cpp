// Ternary product over L2 tiles with vpshufb: two lines of tables a register.
#include <immintrin.h>
#include <string.h>

#include "kernels/repeat.h"
#include "kernels/x86_avx2/avx2.h"

namespace tern::kernels::avx2 {
namespace {

using V = __m256i;

// From memory one stream is read faster than two.
constexpr size_t kTilesOneToken = 1;
constexpr size_t kTilesTokens = 2;

#include "kernels/x86_avx2/code_register.h"

inline V load_table(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline V find(V table, V at) { return _mm256_shuffle_epi8(table, at); }
inline V add_i8(V a, V b) { return _mm256_add_epi8(a, b); }
inline V add_i16(V a, V b) { return _mm256_add_epi16(a, b); }
inline V zero() { return _mm256_setzero_si256(); }
inline V join(V pairs) { return _mm256_maddubs_epi16(_mm256_set1_epi16(0x2001), pairs); }
inline V join_first(V low, V high) { return join(_mm256_unpacklo_epi8(low, high)); }
inline V join_last(V low, V high) { return join(_mm256_unpackhi_epi8(low, high)); }
inline __m256i sum_lanes(V words) {
  return _mm256_add_epi32(_mm256_cvtepi16_epi32(_mm256_castsi256_si128(words)),
                          _mm256_cvtepi16_epi32(_mm256_extracti128_si256(words, 1)));
}

}  // namespace

// In this order.
#include "kernels/x86_lookup_tiles.h"
//
#include "kernels/lookup_loop.h"

void ternary_product_l2(const TernaryProduct& p) noexcept { lookup_product(p); }

}  // namespace tern::kernels::avx2
