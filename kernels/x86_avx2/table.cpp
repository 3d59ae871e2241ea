#include "kernels/x86_avx2/avx2.h"

namespace tern::kernels::avx2 {

void fill_table(KernelTable& table) noexcept {
  table.ternary_gemv_t2 = ternary_gemv_t2;
  table.ternary_gemm_t2 = ternary_gemm_t2;
  table.ternary_gemv_t5 = ternary_product_t5;
  table.ternary_gemm_t5 = ternary_product_t5;
  table.ternary_gemv_l2 = ternary_product_l2;
  table.ternary_gemm_l2 = ternary_product_l2;
  table.read_stream = read_stream;
  table.dot_i8_peak = dot_i8_peak;
  table.fma_f32_peak = fma_f32_peak;
  fill_dense_rows(table);
  fill_dense_rows_i8(table);
  fill_float_ops(table);
  fill_attention(table);
}

}  // namespace tern::kernels::avx2
