// The int8 limit of the machine with vpdpbusd in 256-bit registers.
#include <immintrin.h>

#include "kernels/x86_avxvnni/avxvnni.h"

namespace tern::kernels::avxvnni {
namespace {

inline void forget(__m256i& v) { __asm__ volatile("" : "+x"(v)); }

}  // namespace

#include "kernels/four.h"

// Latency 4 or 5, up to two instructions per cycle: ten chains at least; 16 registers have room for
// 12.
uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept {
  constexpr size_t kChains = 12;
  constexpr size_t kRounds = kPeakMacs / (kChains * kPeakOperands / 2);
  static_assert(kRounds * kChains * kPeakOperands / 2 == kPeakMacs);
  static_assert(kChains % 2 == 0, "both halves of the operands equally often");
  const __m256i codes[2] = {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a)),
                            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + 32))};
  const __m256i x[2] = {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + 32))};
  const auto add_products = [&](auto& sums) {
    sums.a = _mm256_dpbusd_avx_epi32(sums.a, codes[0], x[0]);
    sums.b = _mm256_dpbusd_avx_epi32(sums.b, codes[1], x[1]);
    sums.c = _mm256_dpbusd_avx_epi32(sums.c, codes[0], x[0]);
    sums.d = _mm256_dpbusd_avx_epi32(sums.d, codes[1], x[1]);
  };
  auto s0 = four_of(_mm256_setzero_si256());
  auto s1 = four_of(_mm256_setzero_si256());
  auto s2 = four_of(_mm256_setzero_si256());
  for (size_t round = 0; round < n_steps * kRounds; ++round) {
    add_products(s0);
    add_products(s1);
    add_products(s2);
  }
  __m256i sums = _mm256_setzero_si256();
  const auto add_up = [&](__m256i sum) { sums = _mm256_add_epi32(sums, sum); };
  for_each(s0, add_up);
  for_each(s1, add_up);
  for_each(s2, add_up);
  alignas(32) uint32_t lanes[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sums);
  uint32_t total = 0;
  for (const uint32_t lane : lanes) total += lane;
  return total;
}

}  // namespace tern::kernels::avxvnni
