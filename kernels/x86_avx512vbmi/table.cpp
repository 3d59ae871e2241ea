#include "kernels/x86_avx512vbmi/avx512vbmi.h"

namespace tern::kernels::avx512vbmi {

void fill_table(KernelTable& table) noexcept {
  table.ternary_gemv_t5 = ternary_gemv_t5;
  table.ternary_gemm_t5 = ternary_gemm_t5;
}

}  // namespace tern::kernels::avx512vbmi
