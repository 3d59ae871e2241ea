#include "kernels/x86_avx512bw/avx512bw.h"

namespace tern::kernels::avx512bw {

void fill_table(KernelTable& table) noexcept {
  table.ternary_gemv_t2 = ternary_gemv_t2;
  table.ternary_gemm_t2 = ternary_gemm_t2;
  table.ternary_gemv_l2 = ternary_product_l2;
  table.ternary_gemm_l2 = ternary_product_l2;
  table.dot_i8_peak = dot_i8_peak;
}

}  // namespace tern::kernels::avx512bw
