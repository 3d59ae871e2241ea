// Kernels for AVX-512 with VNNI and VBMI (Intel Ice Lake, AMD Zen 4 and later); what is not here
// comes from x86_avx512vnni.
#pragma once

#include "kernels/kernel_table.h"

namespace tern::kernels::avx512vbmi {

void ternary_gemv_t5(const TernaryProduct& product) noexcept;
void ternary_gemm_t5(const TernaryProduct& product) noexcept;
void fill_table(KernelTable& table) noexcept;

}  // namespace tern::kernels::avx512vbmi
