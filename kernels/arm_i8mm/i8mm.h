// Kernels for AArch64 CPUs with int8 matrix multiplication (Neoverse V1, N2, Cortex-A510 and
// Cortex-X2, Apple M2 and later): what smmla makes faster, products of several tokens.
#pragma once

#include "kernels/kernel_table.h"

namespace tern::kernels::i8mm {

void ternary_gemm_t2(const TernaryProduct& product) noexcept;
void ternary_gemm_t5(const TernaryProduct& product) noexcept;
uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept;
void fill_table(KernelTable& table) noexcept;

}  // namespace tern::kernels::i8mm
