// The int8 limit of the machine with smmla.
#include <arm_neon.h>

#include "kernels/arm_i8mm/i8mm.h"

namespace tern::kernels::i8mm {
namespace {

inline void forget(int32x4_t& v) { __asm__ volatile("" : "+w"(v)); }

}  // namespace

#include "kernels/four.h"

namespace {

// Eight elements as both rows of an operand: the four sums of a product are then the same.
inline int8x16_t twice(const int8_t* p) { return vcombine_s8(vld1_s8(p), vld1_s8(p)); }

// Elements 0 to 31 of a and b, n_rounds times.
inline void add_rounds(Four<int32x4_t> (&sums)[4], const uint8_t* a, const int8_t* b,
                       size_t n_rounds) {
  const int8_t* codes = reinterpret_cast<const int8_t*>(a);
  const Four<int8x16_t> rows = {twice(codes), twice(codes + 8), twice(codes + 16),
                                twice(codes + 24)};
  const Four<int8x16_t> x = {twice(b), twice(b + 8), twice(b + 16), twice(b + 24)};
  const auto add_products = [&](Four<int32x4_t>& sum) {
    sum.a = vmmlaq_s32(sum.a, rows.a, x.a);
    sum.b = vmmlaq_s32(sum.b, rows.b, x.b);
    sum.c = vmmlaq_s32(sum.c, rows.c, x.c);
    sum.d = vmmlaq_s32(sum.d, rows.d, x.d);
  };
  for (size_t round = 0; round < n_rounds; ++round) {
    add_products(sums[0]);
    add_products(sums[1]);
    add_products(sums[2]);
    add_products(sums[3]);
  }
}

}  // namespace

uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept {
  // Large cores begin up to four smmla per cycle with a latency of 3 or 4. Half of the rounds for
  // each half of the operands: all at once would take the registers of the sums.
  constexpr size_t kRounds = kPeakMacs / (16 * 32) / 2;
  static_assert(2 * kRounds * 16 * 32 == kPeakMacs);
  const int32x4_t zero = vdupq_n_s32(0);
  Four<int32x4_t> sums[4] = {four_of(zero), four_of(zero), four_of(zero), four_of(zero)};
  add_rounds(sums, a, b, n_steps * kRounds);
  add_rounds(sums, a + kPeakOperands / 2, b + kPeakOperands / 2, n_steps * kRounds);
  int32x4_t total = zero;
  const auto add_up = [&](int32x4_t sum) { total = vaddq_s32(total, sum); };
  for_each(sums[0], add_up);
  for_each(sums[1], add_up);
  for_each(sums[2], add_up);
  for_each(sums[3], add_up);
  return static_cast<uint32_t>(vaddvq_s32(total));
}

}  // namespace tern::kernels::i8mm
