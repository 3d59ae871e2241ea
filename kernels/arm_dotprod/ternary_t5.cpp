// Ternary product over T5 tiles with sdot.
#include <arm_neon.h>
#include <string.h>

#include "kernels/arm_dotprod/dotprod.h"

namespace tern::kernels::dotprod {

#include "kernels/arm_dotprod/add_codes.h"
#include "kernels/arm_neon/t5_tile.h"
#include "kernels/t5_loop.h"

}  // namespace tern::kernels::dotprod
