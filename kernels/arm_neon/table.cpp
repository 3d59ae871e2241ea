#include "kernels/arm_neon/neon.h"

namespace tern::kernels::neon {

void fill_table(KernelTable& table) noexcept {
  table.ternary_gemv_t2 = ternary_gemv_t2;
  table.ternary_gemm_t2 = ternary_gemm_t2;
  fill_float_ops(table);
}

}  // namespace tern::kernels::neon
