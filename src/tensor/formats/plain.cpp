#include "tensor/formats/plain.h"

#include "tensor/formats/bytes.h"

namespace tern::tensor {

void dequantize_f32(const uint8_t* blocks, float* out, size_t n_blocks) {
  for (size_t i = 0; i < n_blocks; ++i) out[i] = load_f32(blocks + 4 * i);
}

void dequantize_f16(const uint8_t* blocks, float* out, size_t n_blocks) {
  for (size_t i = 0; i < n_blocks; ++i) out[i] = load_f16(blocks + 2 * i);
}

void dequantize_bf16(const uint8_t* blocks, float* out, size_t n_blocks) {
  for (size_t i = 0; i < n_blocks; ++i) out[i] = kernels::bf16_to_f32(load_u16(blocks + 2 * i));
}

void quantize_f32(const float* in, uint8_t* blocks, size_t n_blocks) {
  for (size_t i = 0; i < n_blocks; ++i) store_f32(blocks + 4 * i, in[i]);
}

void quantize_f16(const float* in, uint8_t* blocks, size_t n_blocks) {
  for (size_t i = 0; i < n_blocks; ++i) store_u16(blocks + 2 * i, kernels::f32_to_f16(in[i]));
}

void quantize_bf16(const float* in, uint8_t* blocks, size_t n_blocks) {
  for (size_t i = 0; i < n_blocks; ++i) store_u16(blocks + 2 * i, kernels::f32_to_bf16(in[i]));
}

}  // namespace tern::tensor
