#include "kernels/scalar/scalar.h"

namespace tern::kernels::scalar {

void fill_table(KernelTable& table) noexcept {
  table.ternary_gemv_t2 = ternary_product_t2;
  table.ternary_gemm_t2 = ternary_product_t2;
  table.ternary_gemv_t5 = ternary_product_t5;
  table.ternary_gemm_t5 = ternary_product_t5;
  table.ternary_gemv_l2 = ternary_product_l2;
  table.ternary_gemm_l2 = ternary_product_l2;
  table.dot_f32 = dot_f32;
  table.dot_f16 = dot_f16;
  table.dot_bf16 = dot_bf16;
  table.dense_f32 = dense_f32;
  table.dense_f16 = dense_f16;
  table.dense_bf16 = dense_bf16;
  table.dense_q8_0 = dense_q8_0;
  table.dense_q6_k = dense_q6_k;
  table.dense_q4_0 = dense_q4_0;
  table.dense_q8_0_i8 = dense_q8_0_i8;
  table.dense_q6_k_i8 = dense_q6_k_i8;
  table.attention_f32 = attention_f32;
  table.attention_f16 = attention_f16;
  table.attention_q8 = attention_q8;
  table.quantize_kv_q8 = quantize_kv_q8;
  table.merge_f32 = merge_f32;
  table.rms_norm = rms_norm;
  table.quantize_i8 = quantize_i8;
  table.quantize_q8_0 = quantize_q8_0;
  table.exp_sum = exp_sum;
  table.silu_mul = silu_mul;
  table.relu2_mul = relu2_mul;
  table.add_f32 = add_f32;
  table.scale_f32 = scale_f32;
  table.rope_half_split = rope_half_split;
  table.rope_adjacent = rope_adjacent;
  table.f32_to_f16 = f32_to_f16_array;
  table.f16_to_f32 = f16_to_f32_array;
  table.read_stream = read_stream;
  table.dot_i8_peak = dot_i8_peak;
  table.fma_f32_peak = fma_f32_peak;
}

}  // namespace tern::kernels::scalar
