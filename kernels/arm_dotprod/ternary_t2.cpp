// Ternary product over T2 tiles with sdot: four products added to each 32-bit lane.
#include <arm_neon.h>

#include "kernels/arm_dotprod/dotprod.h"

namespace tern::kernels::dotprod {
namespace {

inline int32x4_t add_codes(int32x4_t sum, int8x16_t codes, int8x16_t x) {
  return vdotq_s32(sum, codes, x);
}

}  // namespace

#include "kernels/arm_neon/tile_loop.h"

}  // namespace tern::kernels::dotprod
