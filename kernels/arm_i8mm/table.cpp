#include "kernels/arm_i8mm/i8mm.h"

namespace tern::kernels::i8mm {

void fill_table(KernelTable& table) noexcept {
  table.ternary_gemm_t2 = ternary_gemm_t2;
  table.ternary_gemm_t5 = ternary_gemm_t5;
  table.dot_i8_peak = dot_i8_peak;
}

}  // namespace tern::kernels::i8mm
