#include "kernels/arm_dotprod/dotprod.h"

namespace tern::kernels::dotprod {

void fill_table(KernelTable& table) noexcept {
  table.ternary_gemv_t2 = ternary_gemv_t2;
  table.ternary_gemm_t2 = ternary_gemm_t2;
}

}  // namespace tern::kernels::dotprod
