// Limits of the machine with 256-bit registers, vpmaddubsw and fused multiply-adds.
#include <immintrin.h>

#include "kernels/x86_avx2/avx2.h"

namespace tern::kernels::avx2 {
namespace {

template <typename V>
inline void forget(V& v) {
  __asm__ volatile("" : "+x"(v));
}

struct Line {
  __m256i low, high;
};
inline Line line_zero() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline void line_xor(Line& sums, const uint8_t* p) {
  const auto* halves = reinterpret_cast<const __m256i*>(p);
  sums.low = _mm256_xor_si256(sums.low, _mm256_load_si256(halves));
  sums.high = _mm256_xor_si256(sums.high, _mm256_load_si256(halves + 1));
}
inline uint64_t line_fold(const Line& sums) {
  alignas(32) uint64_t words[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(words), _mm256_xor_si256(sums.low, sums.high));
  return words[0] ^ words[1] ^ words[2] ^ words[3];
}

inline __m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

}  // namespace

#include "kernels/four.h"
#include "kernels/read_stream_loop.h"

uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept {
  // The products do not depend on one another, and vpaddw has a latency of 1: two chains would do.
  // More make the widening rare.
  constexpr size_t kChains = 8;
  // A lane of vpmaddubsw is at most 2 * 2 * 127 = 508 and at least -2 * 2 * 128 = -512; 60 of them
  // fit int16, then they are widened, about as often as in the ternary kernel (64).
  constexpr size_t kRounds = 60;
  static_assert(kRounds * 508 <= 32767 && kRounds * 512 <= 32768);
  constexpr size_t kFlushes = kPeakMacs / (kChains * sizeof(__m256i) * kRounds);
  static_assert(kFlushes * kChains * sizeof(__m256i) * kRounds == kPeakMacs);

  __m256i codes[2] = {load(a), load(a + 32)};
  const __m256i x[2] = {load(b), load(b + 32)};
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sums = _mm256_setzero_si256();
  for (size_t flush = 0; flush < n_steps * kFlushes; ++flush) {
    __m256i words[kChains];
    for (size_t i = 0; i < kChains; ++i) words[i] = _mm256_setzero_si256();
    for (size_t round = 0; round < kRounds; ++round) {
      for (size_t i = 0; i < kChains; ++i) {
        forget(codes[i % 2]);  // else the products would be computed once for all rounds
        words[i] = _mm256_add_epi16(words[i], _mm256_maddubs_epi16(codes[i % 2], x[i % 2]));
        forget(words[i]);  // else GCC 12 keeps a second copy
      }
    }
    for (size_t i = 0; i < kChains; ++i) {
      sums = _mm256_add_epi32(sums, _mm256_madd_epi16(words[i], ones));
    }
  }
  alignas(32) uint32_t lanes[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sums);
  uint32_t total = 0;
  for (const uint32_t lane : lanes) total += lane;
  return total;
}

uint64_t fma_f32_peak(size_t n_steps) noexcept {
  // Latency 4 or 5, two per cycle: ten chains at least; 16 registers have room for 12.
  constexpr size_t kRounds = kPeakMacs / (12 * 8);
  static_assert(kRounds * 12 * 8 == kPeakMacs);
  static_assert(kMaxPeakSteps * kRounds <= 1u << 24, "exact in a float");
  __m256 one = _mm256_set1_ps(1.0f);
  __m256 increment = one;
  forget(one);
  forget(increment);
  const auto add_one = [&](__m256& count) { count = _mm256_fmadd_ps(one, increment, count); };
  auto c0 = four_of(_mm256_setzero_ps());
  auto c1 = four_of(_mm256_setzero_ps());
  auto c2 = four_of(_mm256_setzero_ps());
  for (size_t round = 0; round < n_steps * kRounds; ++round) {
    for_each(c0, add_one);
    for_each(c1, add_one);
    for_each(c2, add_one);
  }
  uint64_t total = 0;
  const auto add_up = [&](__m256 count) {
    alignas(32) float lanes[8];
    _mm256_store_ps(lanes, count);
    for (const float lane : lanes) total += static_cast<uint64_t>(static_cast<int64_t>(lane));
  };
  for_each(c0, add_up);
  for_each(c1, add_up);
  for_each(c2, add_up);
  return total;
}

}  // namespace tern::kernels::avx2
