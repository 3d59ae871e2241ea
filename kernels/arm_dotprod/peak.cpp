// The int8 limit of the machine with sdot.
#include <arm_neon.h>

#include "kernels/arm_dotprod/dotprod.h"

namespace tern::kernels::dotprod {
namespace {

inline void forget(int32x4_t& v) { __asm__ volatile("" : "+w"(v)); }

}  // namespace

#include "kernels/four.h"

uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept {
  // Large cores begin up to four sdot per cycle with a latency of 3 or 4.
  constexpr size_t kRounds = kPeakMacs / (16 * 16);
  static_assert(kRounds * 16 * 16 == kPeakMacs);
  const Four<int8x16_t> codes = {
      vreinterpretq_s8_u8(vld1q_u8(a)), vreinterpretq_s8_u8(vld1q_u8(a + 16)),
      vreinterpretq_s8_u8(vld1q_u8(a + 32)), vreinterpretq_s8_u8(vld1q_u8(a + 48))};
  const Four<int8x16_t> x = {vld1q_s8(b), vld1q_s8(b + 16), vld1q_s8(b + 32), vld1q_s8(b + 48)};
  const auto add_products = [&](Four<int32x4_t>& sums) {
    sums.a = vdotq_s32(sums.a, codes.a, x.a);
    sums.b = vdotq_s32(sums.b, codes.b, x.b);
    sums.c = vdotq_s32(sums.c, codes.c, x.c);
    sums.d = vdotq_s32(sums.d, codes.d, x.d);
  };
  auto s0 = four_of(vdupq_n_s32(0));
  auto s1 = four_of(vdupq_n_s32(0));
  auto s2 = four_of(vdupq_n_s32(0));
  auto s3 = four_of(vdupq_n_s32(0));
  for (size_t round = 0; round < n_steps * kRounds; ++round) {
    add_products(s0);
    add_products(s1);
    add_products(s2);
    add_products(s3);
  }
  int32x4_t total = vdupq_n_s32(0);
  const auto add_up = [&](int32x4_t sum) { total = vaddq_s32(total, sum); };
  for_each(s0, add_up);
  for_each(s1, add_up);
  for_each(s2, add_up);
  for_each(s3, add_up);
  return static_cast<uint32_t>(vaddvq_s32(total));
}

}  // namespace tern::kernels::dotprod
