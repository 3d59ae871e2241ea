// Ternary product over T5 tiles with sdot, by way of unpacked weights for any number of tokens.
#include <arm_neon.h>
#include <string.h>

#include "kernels/arm_dotprod/dotprod.h"
#include "kernels/repeat.h"

namespace tern::kernels::dotprod {
namespace {

// In this order.
#include "kernels/arm_neon/sum_register.h"
//
#include "kernels/arm_dotprod/dot_products.h"

}  // namespace

// In this order.
#include "kernels/token_blocks.h"
//
#include "kernels/code_loop.h"

void ternary_product_t5(const TernaryProduct& p) noexcept {
  loop_product<LoopT5<unpack_t5_line>, RunSteps<1, 2, 3, 4, 5, 6>>(p);
}

}  // namespace tern::kernels::dotprod
