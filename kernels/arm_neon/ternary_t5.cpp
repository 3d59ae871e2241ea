// Ternary product over T5 tiles, by way of unpacked weights for any number of tokens.
#include <arm_neon.h>
#include <string.h>

#include "kernels/arm_neon/neon.h"
#include "kernels/repeat.h"

namespace tern::kernels::neon {
namespace {

// In this order.
#include "kernels/arm_neon/sum_register.h"
//
#include "kernels/arm_neon/mul_products.h"

}  // namespace

// In this order.
#include "kernels/token_blocks.h"
//
#include "kernels/code_loop.h"

namespace {

void several_tokens(const TernaryProduct& p) noexcept {
  loop_product<LoopT5<unpack_t5_line>, RunSteps<2, 3>>(p);
}

}  // namespace

void ternary_gemv_t5(const TernaryProduct& p) noexcept {
  loop_product<LoopT5<unpack_t5_line>, RunSteps<1>>(p);
}

void ternary_gemm_t5(const TernaryProduct& p) noexcept {
  product_of_tokens(p, ternary_gemv_t5, several_tokens);
}

}  // namespace tern::kernels::neon
