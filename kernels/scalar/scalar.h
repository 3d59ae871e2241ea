// The scalar kernels: plain loops, baseline flags. They define the results of every other ISA.
#pragma once

#include "kernels/exp_constants.h"
#include "kernels/kernel_table.h"

namespace tern::kernels::scalar {

void ternary_product_t2(const TernaryProduct& product) noexcept;
void ternary_product_t5(const TernaryProduct& product) noexcept;
void ternary_product_l2(const TernaryProduct& product) noexcept;
/// To the nearest integer, for |x| < 2^22.
static inline float round_half_even(float x) { return (x + kRoundMagic) - kRoundMagic; }
/// The fixed tree over kPartialSums partial sums, which it overwrites.
float tree_sum(float* p) noexcept;
float dot_f32(const float* a, const float* b, size_t n) noexcept;
float dot_f16(const float* a, const uint16_t* b, size_t n) noexcept;
float dot_bf16(const float* a, const uint16_t* b, size_t n) noexcept;
void dense_f32(const DenseProduct& product) noexcept;
void dense_f16(const DenseProduct& product) noexcept;
void dense_bf16(const DenseProduct& product) noexcept;
void dense_q8_0(const DenseProduct& product) noexcept;
void dense_q6_k(const DenseProduct& product) noexcept;
void dense_q4_0(const DenseProduct& product) noexcept;
void dense_q8_0_i8(const DenseI8Product& product) noexcept;
void dense_q6_k_i8(const DenseI8Product& product) noexcept;
void attention_f32(const AttentionBlock& block) noexcept;
void attention_f16(const AttentionBlock& block) noexcept;
void attention_q8(const AttentionBlock& block) noexcept;
void quantize_kv_q8(const float* x, size_t n, int8_t* q, uint16_t* scales) noexcept;
void merge_f32(float* acc, float a, const float* x, float b, size_t n) noexcept;
void rms_norm(const float* x, const float* w, float* y, size_t n, float eps) noexcept;
void quantize_i8(const float* x, size_t n, size_t n_padded, size_t group, int8_t* q, float* scales,
                 int32_t* sums) noexcept;
uint32_t quantize_q8_0(const float* x, uint8_t* blocks, size_t n) noexcept;
float exp_sum(float* x, size_t n, float max) noexcept;
void silu_mul(const float* gate, const float* up, float* out, size_t n) noexcept;
void relu2_mul(const float* gate, const float* up, float* out, size_t n) noexcept;
void add_f32(float* x, const float* y, size_t n) noexcept;
void scale_f32(float* x, float s, size_t n) noexcept;
void rope_half_split(float* head, const float* cosines, const float* sines,
                     size_t n_pairs) noexcept;
void rope_adjacent(float* head, const float* cosines, const float* sines, size_t n_pairs) noexcept;
void f32_to_f16_array(const float* x, uint16_t* y, size_t n) noexcept;
void f16_to_f32_array(const uint16_t* x, float* y, size_t n) noexcept;
uint64_t read_stream(const uint8_t* p, size_t n_bytes, size_t n_streams,
                     size_t prefetch_bytes) noexcept;
uint32_t dot_i8_peak(const uint8_t* a, const int8_t* b, size_t n_steps) noexcept;
uint64_t fma_f32_peak(size_t n_steps) noexcept;

}  // namespace tern::kernels::scalar
