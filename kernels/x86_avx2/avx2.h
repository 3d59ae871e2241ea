// Kernels for AVX2 with FMA and F16C (Intel Haswell, AMD Zen and later).
#pragma once

#include "kernels/kernel_table.h"

namespace tern::kernels::avx2 {

void ternary_gemv_t2(const TernaryProduct& product) noexcept;
void ternary_gemm_t2(const TernaryProduct& product) noexcept;
void ternary_product_t5(const TernaryProduct& product) noexcept;
void ternary_product_l2(const TernaryProduct& product) noexcept;
uint64_t read_stream(const uint8_t* p, size_t n_bytes, size_t n_streams,
                     size_t prefetch_bytes) noexcept;
uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept;
uint64_t fma_f32_peak(size_t n_steps) noexcept;
void fill_dense_rows(KernelTable& table) noexcept;
void fill_dense_rows_i8(KernelTable& table) noexcept;
void fill_float_ops(KernelTable& table) noexcept;
void fill_attention(KernelTable& table) noexcept;
void fill_table(KernelTable& table) noexcept;

}  // namespace tern::kernels::avx2
