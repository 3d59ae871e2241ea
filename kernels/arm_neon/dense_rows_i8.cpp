// Dense rows times int8 activations by widening multiplications.
#include <string.h>

#include "kernels/arm_neon/neon.h"
#include "kernels/arm_neon/v16.h"
#include "kernels/dense_layout.h"
#include "kernels/repeat.h"

namespace tern::kernels::neon {
namespace {

constexpr size_t kI8Rows = 4;
constexpr size_t kI8BatchRows = 1;
constexpr size_t kI8Tokens = 4;

inline int32x4_t fours(int8x16_t w, int8x16_t x) {
  const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x));
  return vpaddlq_s16(vpaddq_s16(low, vmull_high_s8(w, x)));
}

}  // namespace

#include "kernels/arm_neon/dense_codes_i8.h"
//
#include "kernels/vector_dense_rows_i8.h"

}  // namespace tern::kernels::neon
