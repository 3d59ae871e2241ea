// Kernels for AVX-512 F, BW, CD, DQ and VL without VNNI (Intel Skylake-X).
#pragma once

#include "kernels/kernel_table.h"

namespace tern::kernels::avx512bw {

void ternary_gemv_t2(const TernaryProduct& product) noexcept;
void ternary_gemm_t2(const TernaryProduct& product) noexcept;
void ternary_product_l2(const TernaryProduct& product) noexcept;
uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept;
void fill_table(KernelTable& table) noexcept;

}  // namespace tern::kernels::avx512bw
