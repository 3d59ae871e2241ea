#include "kernels/x86_avxvnni/avxvnni.h"

namespace tern::kernels::avxvnni {

void fill_table(KernelTable& table) noexcept {
  table.ternary_gemv_t2 = ternary_gemv_t2;
  table.ternary_gemm_t2 = ternary_gemm_t2;
  table.dot_i8_peak = dot_i8_peak;
  fill_dense_rows_i8(table);
}

}  // namespace tern::kernels::avxvnni
