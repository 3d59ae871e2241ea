// Kernels for AVX-512 F, BW, CD, DQ, VL and VNNI (Intel Cascade Lake, AMD Zen 4 and later).
#pragma once

#include "kernels/kernel_table.h"

namespace tern::kernels::avx512vnni {

void ternary_gemv_t2(const TernaryProduct& product) noexcept;
void ternary_gemm_t2(const TernaryProduct& product) noexcept;
void fill_float_ops(KernelTable& table) noexcept;
void fill_table(KernelTable& table) noexcept;

}  // namespace tern::kernels::avx512vnni
