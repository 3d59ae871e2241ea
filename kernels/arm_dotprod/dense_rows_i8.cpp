// Dense rows times int8 activations by sdot.
#include <string.h>

#include "kernels/arm_dotprod/dotprod.h"
#include "kernels/arm_neon/v16.h"
#include "kernels/dense_layout.h"
#include "kernels/repeat.h"

namespace tern::kernels::dotprod {
namespace {

using namespace neon;  // its sixteen lanes

constexpr size_t kI8Rows = 4;
constexpr size_t kI8BatchRows = 1;
constexpr size_t kI8Tokens = 4;

inline int32x4_t fours(int8x16_t w, int8x16_t x) { return vdotq_s32(vdupq_n_s32(0), w, x); }

}  // namespace

#include "kernels/arm_neon/dense_codes_i8.h"
//
#include "kernels/vector_dense_rows_i8.h"

}  // namespace tern::kernels::dotprod
