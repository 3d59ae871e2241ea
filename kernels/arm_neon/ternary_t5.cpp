// Ternary product over T5 tiles with widening multiplies.
#include <arm_neon.h>
#include <string.h>

#include "kernels/arm_neon/neon.h"

namespace tern::kernels::neon {

#include "kernels/arm_neon/add_codes.h"
#include "kernels/arm_neon/t5_tile.h"
#include "kernels/t5_loop.h"

}  // namespace tern::kernels::neon
