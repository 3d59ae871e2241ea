// The int8 limit of the machine with vpmaddubsw in 512-bit registers.
#include <immintrin.h>

#include "kernels/x86_avx512bw/avx512bw.h"

namespace tern::kernels::avx512bw {
namespace {

inline void forget(__m512i& v) { __asm__ volatile("" : "+v"(v)); }

}  // namespace

// As with AVX2: vpaddw has a latency of 1, and more chains than two make the widening rare.
uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept {
  constexpr size_t kChains = 16;
  constexpr size_t kRounds = 60;
  static_assert(kRounds * 508 <= 32767 && kRounds * 512 <= 32768);
  constexpr size_t kFlushes = kPeakMacs / (kChains * sizeof(__m512i) * kRounds);
  static_assert(kFlushes * kChains * sizeof(__m512i) * kRounds == kPeakMacs);

  __m512i codes = _mm512_loadu_si512(a);
  const __m512i x = _mm512_loadu_si512(b);
  const __m512i ones = _mm512_set1_epi16(1);
  __m512i sums = _mm512_setzero_si512();
  for (size_t flush = 0; flush < n_steps * kFlushes; ++flush) {
    __m512i words[kChains];
    for (size_t i = 0; i < kChains; ++i) words[i] = _mm512_setzero_si512();
    for (size_t round = 0; round < kRounds; ++round) {
      for (size_t i = 0; i < kChains; ++i) {
        forget(codes);  // else the products would be computed once for all rounds
        words[i] = _mm512_add_epi16(words[i], _mm512_maddubs_epi16(codes, x));
        forget(words[i]);  // else GCC 12 keeps a second copy
      }
    }
    for (size_t i = 0; i < kChains; ++i) {
      sums = _mm512_add_epi32(sums, _mm512_madd_epi16(words[i], ones));
    }
  }
  // Through memory: the intrinsics that add lanes bring warnings in GCC 12.
  alignas(64) uint32_t lanes[16];
  _mm512_store_si512(lanes, sums);
  uint32_t total = 0;
  for (const uint32_t lane : lanes) total += lane;
  return total;
}

}  // namespace tern::kernels::avx512bw
