// Ternary product over T2 tiles with widening multiplies: int8 products to int16, pairs added to
// int32.
#include <arm_neon.h>

#include "kernels/arm_neon/neon.h"

namespace tern::kernels::neon {

#include "kernels/arm_neon/add_codes.h"
#include "kernels/arm_neon/tile_loop.h"

}  // namespace tern::kernels::neon
