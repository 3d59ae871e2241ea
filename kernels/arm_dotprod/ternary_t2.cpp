// Ternary product over T2 tiles with sdot: four products added to each 32-bit lane.
#include <arm_neon.h>

#include "kernels/arm_dotprod/dotprod.h"

namespace tern::kernels::dotprod {

#include "kernels/arm_dotprod/add_codes.h"
#include "kernels/arm_neon/tile_loop.h"

}  // namespace tern::kernels::dotprod
