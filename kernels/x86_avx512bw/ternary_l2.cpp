// Ternary product over L2 tiles with vpshufb in 512-bit registers: the four tables of a line's low
// or high nibbles in one.
#include <immintrin.h>
#include <string.h>

#include "kernels/repeat.h"
#include "kernels/x86_avx512bw/avx512bw.h"

namespace tern::kernels::avx512bw {
namespace {

using V = __m512i;

// From memory one stream is read faster than two.
constexpr size_t kTilesOneToken = 1;
constexpr size_t kTilesTokens = 2;

inline V load(const void* p) { return _mm512_load_si512(p); }
inline V load_table(const void* p) { return _mm512_loadu_si512(p); }
inline V and_bits(V a, V b) { return _mm512_and_si512(a, b); }
inline V nibbles(V v) { return _mm512_srli_epi16(v, 4); }
inline V bytes_of(uint8_t v) { return _mm512_set1_epi8(static_cast<char>(v)); }
inline V find(V table, V at) { return _mm512_shuffle_epi8(table, at); }
inline V add_i8(V a, V b) { return _mm512_add_epi8(a, b); }
inline V add_i16(V a, V b) { return _mm512_add_epi16(a, b); }
inline void pin_beside(V& sum, V product) { __asm__ volatile("" : "+v"(sum) : "v"(product)); }
inline V zero() { return _mm512_setzero_si512(); }
inline V join(V pairs) { return _mm512_maddubs_epi16(_mm512_set1_epi16(0x2001), pairs); }
inline V join_first(V low, V high) { return join(_mm512_unpacklo_epi8(low, high)); }
inline V join_last(V low, V high) { return join(_mm512_unpackhi_epi8(low, high)); }
inline __m256i sum_lanes(V words) {
  const V sums = _mm512_add_epi32(_mm512_cvtepi16_epi32(_mm512_castsi512_si256(words)),
                                  _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(words, 1)));
  return _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64(sums, 1));
}

}  // namespace

// In this order.
#include "kernels/x86_lookup_tiles.h"
//
#include "kernels/lookup_loop.h"

void ternary_product_l2(const TernaryProduct& p) noexcept { lookup_product(p); }

}  // namespace tern::kernels::avx512bw
