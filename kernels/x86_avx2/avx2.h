// Kernels for AVX2 with FMA and F16C (Intel Haswell, AMD Zen and later).
#pragma once

#include "kernels/kernel_table.h"

namespace tern::kernels::avx2 {

void ternary_gemv_t2(const TernaryProduct& product) noexcept;
void ternary_gemm_t2(const TernaryProduct& product) noexcept;
void fill_float_ops(KernelTable& table) noexcept;
void fill_table(KernelTable& table) noexcept;

}  // namespace tern::kernels::avx2
