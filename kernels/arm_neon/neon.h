// Kernels for every AArch64 CPU (Advanced SIMD without extensions).
#pragma once

#include "kernels/kernel_table.h"

namespace tern::kernels::neon {

void ternary_gemv_t2(const TernaryProduct& product) noexcept;
void ternary_gemm_t2(const TernaryProduct& product) noexcept;
void fill_float_ops(KernelTable& table) noexcept;
void fill_table(KernelTable& table) noexcept;

}  // namespace tern::kernels::neon
