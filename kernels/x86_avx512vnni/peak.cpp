// Limits of the machine with 512-bit registers, vpdpbusd and fused multiply-adds.
#include <immintrin.h>

#include "kernels/x86_avx512vnni/avx512vnni.h"

namespace tern::kernels::avx512vnni {
namespace {

template <typename V>
inline void forget(V& v) {
  __asm__ volatile("" : "+v"(v));
}

using Line = __m512i;
inline Line line_zero() { return _mm512_setzero_si512(); }
inline void line_xor(Line& sums, const uint8_t* p) {
  sums = _mm512_xor_si512(sums, _mm512_load_si512(p));
}
inline uint64_t line_fold(const Line& sums) {
  alignas(64) uint64_t words[8];
  _mm512_store_si512(words, sums);
  uint64_t result = 0;
  for (const uint64_t word : words) result ^= word;
  return result;
}

}  // namespace

#include "kernels/four.h"
#include "kernels/read_stream_loop.h"

// Both peaks: latency 4 or 5, up to two instructions per cycle, so ten chains at least; 32
// registers have room for 16.
uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept {
  constexpr size_t kRounds = kPeakMacs / (16 * sizeof(__m512i));
  static_assert(kRounds * 16 * sizeof(__m512i) == kPeakMacs);
  const __m512i codes = _mm512_loadu_si512(a);
  const __m512i x = _mm512_loadu_si512(b);
  const auto add_products = [&](__m512i& sum) { sum = _mm512_dpbusd_epi32(sum, codes, x); };
  auto s0 = four_of(_mm512_setzero_si512());
  auto s1 = four_of(_mm512_setzero_si512());
  auto s2 = four_of(_mm512_setzero_si512());
  auto s3 = four_of(_mm512_setzero_si512());
  for (size_t round = 0; round < n_steps * kRounds; ++round) {
    for_each(s0, add_products);
    for_each(s1, add_products);
    for_each(s2, add_products);
    for_each(s3, add_products);
  }
  __m512i sums = _mm512_setzero_si512();
  const auto add_up = [&](__m512i sum) { sums = _mm512_add_epi32(sums, sum); };
  for_each(s0, add_up);
  for_each(s1, add_up);
  for_each(s2, add_up);
  for_each(s3, add_up);
  // Through memory: the intrinsics that add lanes bring warnings in GCC 12.
  alignas(64) uint32_t lanes[16];
  _mm512_store_si512(lanes, sums);
  uint32_t total = 0;
  for (const uint32_t lane : lanes) total += lane;
  return total;
}

uint64_t fma_f32_peak(size_t n_steps) noexcept {
  constexpr size_t kRounds = kPeakMacs / (16 * 16);
  static_assert(kRounds * 16 * 16 == kPeakMacs);
  static_assert(kMaxPeakSteps * kRounds <= 1u << 24, "exact in a float");
  __m512 one = _mm512_set1_ps(1.0f);
  __m512 increment = one;
  forget(one);
  forget(increment);
  const auto add_one = [&](__m512& count) { count = _mm512_fmadd_ps(one, increment, count); };
  auto c0 = four_of(_mm512_setzero_ps());
  auto c1 = four_of(_mm512_setzero_ps());
  auto c2 = four_of(_mm512_setzero_ps());
  auto c3 = four_of(_mm512_setzero_ps());
  for (size_t round = 0; round < n_steps * kRounds; ++round) {
    for_each(c0, add_one);
    for_each(c1, add_one);
    for_each(c2, add_one);
    for_each(c3, add_one);
  }
  uint64_t total = 0;
  const auto add_up = [&](__m512 count) {
    alignas(64) float lanes[16];
    _mm512_store_ps(lanes, count);
    for (const float lane : lanes) total += static_cast<uint64_t>(static_cast<int64_t>(lane));
  };
  for_each(c0, add_up);
  for_each(c1, add_up);
  for_each(c2, add_up);
  for_each(c3, add_up);
  return total;
}

}  // namespace tern::kernels::avx512vnni
