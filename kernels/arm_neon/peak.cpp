// Limits of the machine with 128-bit registers, widening and fused multiply-adds.
#include <arm_neon.h>

#include "kernels/arm_neon/neon.h"

namespace tern::kernels::neon {
namespace {

template <typename V>
inline void forget(V& v) {
  __asm__ volatile("" : "+w"(v));
}

struct Line {
  uint64x2_t a, b, c, d;
};
inline Line line_zero() {
  const uint64x2_t zero = vdupq_n_u64(0);
  return {zero, zero, zero, zero};
}
inline uint64x2_t load(const uint8_t* p) { return vreinterpretq_u64_u8(vld1q_u8(p)); }
inline void line_xor(Line& sums, const uint8_t* p) {
  sums.a = veorq_u64(sums.a, load(p));
  sums.b = veorq_u64(sums.b, load(p + 16));
  sums.c = veorq_u64(sums.c, load(p + 32));
  sums.d = veorq_u64(sums.d, load(p + 48));
}
inline uint64_t line_fold(const Line& sums) {
  const uint64x2_t all = veorq_u64(veorq_u64(sums.a, sums.b), veorq_u64(sums.c, sums.d));
  return vgetq_lane_u64(all, 0) ^ vgetq_lane_u64(all, 1);
}

}  // namespace

#include "kernels/four.h"
#include "kernels/read_stream_loop.h"

// Both peaks: large cores begin up to four of these instructions per cycle with a latency of 4.
uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept {
  // Codes are taken as weights -1, 0, 1. A pair of products is at most 254 and at least -256; 120
  // of them fit int16, then they are widened.
  constexpr size_t kRounds = 120;
  static_assert(kRounds * 254 <= 32767 && kRounds * 256 <= 32768);
  constexpr size_t kFlushes = kPeakMacs / (16 * 16 * kRounds);
  static_assert(kFlushes * 16 * 16 * kRounds == kPeakMacs);

  const auto weights = [&](size_t i) {
    return vsubq_s8(vreinterpretq_s8_u8(vld1q_u8(a + i)), vdupq_n_s8(1));
  };
  Four<int8x16_t> w = {weights(0), weights(16), weights(32), weights(48)};
  const Four<int8x16_t> x = {vld1q_s8(b), vld1q_s8(b + 16), vld1q_s8(b + 32), vld1q_s8(b + 48)};
  const auto add_products = [](int16x8_t& sum, int8x16_t& c, int8x16_t v) {
    forget(c);  // else the products would be computed once for all rounds
    sum = vpadalq_s8(sum, vmulq_s8(c, v));
    forget(sum);
  };
  const auto add_all_products = [&](Four<int16x8_t>& sums) {
    add_products(sums.a, w.a, x.a);
    add_products(sums.b, w.b, x.b);
    add_products(sums.c, w.c, x.c);
    add_products(sums.d, w.d, x.d);
  };
  int32x4_t sums = vdupq_n_s32(0);
  const auto widen = [&](int16x8_t words) { sums = vpadalq_s16(sums, words); };
  for (size_t flush = 0; flush < n_steps * kFlushes; ++flush) {
    auto w0 = four_of(vdupq_n_s16(0));
    auto w1 = four_of(vdupq_n_s16(0));
    auto w2 = four_of(vdupq_n_s16(0));
    auto w3 = four_of(vdupq_n_s16(0));
    for (size_t round = 0; round < kRounds; ++round) {
      add_all_products(w0);
      add_all_products(w1);
      add_all_products(w2);
      add_all_products(w3);
    }
    for_each(w0, widen);
    for_each(w1, widen);
    for_each(w2, widen);
    for_each(w3, widen);
  }
  // From weights to codes; and -1 * -128 has come out as -128.
  int32_t missing = 0;
  for (size_t i = 0; i < kPeakOperands; ++i)
    missing += b[i] + (a[i] == 0 && b[i] == -128 ? 256 : 0);
  return static_cast<uint32_t>(vaddvq_s32(sums)) +
         static_cast<uint32_t>(n_steps * (kPeakMacs / kPeakOperands)) *
             static_cast<uint32_t>(missing);
}

uint64_t fma_f32_peak(size_t n_steps) noexcept {
  constexpr size_t kRounds = kPeakMacs / (16 * 4);
  static_assert(kRounds * 16 * 4 == kPeakMacs);
  static_assert(kMaxPeakSteps * kRounds <= 1u << 24, "exact in a float");
  float32x4_t one = vdupq_n_f32(1.0f);
  float32x4_t increment = one;
  forget(one);
  forget(increment);
  const auto add_one = [&](float32x4_t& count) { count = vfmaq_f32(count, one, increment); };
  auto c0 = four_of(vdupq_n_f32(0.0f));
  auto c1 = four_of(vdupq_n_f32(0.0f));
  auto c2 = four_of(vdupq_n_f32(0.0f));
  auto c3 = four_of(vdupq_n_f32(0.0f));
  for (size_t round = 0; round < n_steps * kRounds; ++round) {
    for_each(c0, add_one);
    for_each(c1, add_one);
    for_each(c2, add_one);
    for_each(c3, add_one);
  }
  uint64_t total = 0;
  const auto add_up = [&](float32x4_t count) { total += vaddlvq_u32(vcvtq_u32_f32(count)); };
  for_each(c0, add_up);
  for_each(c1, add_up);
  for_each(c2, add_up);
  for_each(c3, add_up);
  return total;
}

}  // namespace tern::kernels::neon
