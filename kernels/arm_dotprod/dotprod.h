// Kernels for AArch64 CPUs with the dot-product extension (Cortex-A76, Apple M1 and later).
#pragma once

#include "kernels/kernel_table.h"

namespace tern::kernels::dotprod {

void ternary_gemv_t2(const TernaryProduct& product) noexcept;
void ternary_gemm_t2(const TernaryProduct& product) noexcept;
void ternary_product_t5(const TernaryProduct& product) noexcept;
uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept;
void fill_dense_rows_i8(KernelTable& table) noexcept;
void fill_table(KernelTable& table) noexcept;

}  // namespace tern::kernels::dotprod
