// Kernels for AVX-VNNI: vpdpbusd in 256-bit registers without AVX-512 (Intel Alder Lake, Sierra
// Forest and later).
#pragma once

#include "kernels/kernel_table.h"

namespace tern::kernels::avxvnni {

void ternary_gemv_t2(const TernaryProduct& product) noexcept;
void ternary_gemm_t2(const TernaryProduct& product) noexcept;
uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept;
void fill_dense_rows_i8(KernelTable& table) noexcept;
void fill_table(KernelTable& table) noexcept;

}  // namespace tern::kernels::avxvnni
