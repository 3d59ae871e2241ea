// Ternary product over T2 tiles with widening multiplies: int8 products to int16, pairs added to
// int32.
#include <arm_neon.h>

#include "kernels/arm_neon/neon.h"

namespace tern::kernels::neon {
namespace {

inline int32x4_t add_codes(int32x4_t sum, int8x16_t codes, int8x16_t x) {
  // |code * x| <= 256, so the sum of two int16 products in one lane fits.
  const int16x8_t low = vmull_s8(vget_low_s8(codes), vget_low_s8(x));
  const int16x8_t high = vmull_s8(vget_high_s8(codes), vget_high_s8(x));
  return vpadalq_s16(sum, vpaddq_s16(low, high));
}

}  // namespace

#include "kernels/arm_neon/tile_loop.h"

}  // namespace tern::kernels::neon
