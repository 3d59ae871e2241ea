// Unquantised elements: F32, F16 (IEEE binary16) and BF16 (the upper half of an f32),
// little-endian, one element per block.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tern::tensor {

/// Format::dequantize: exact.
void dequantize_f32(const uint8_t* blocks, float* out, size_t n_blocks);
void dequantize_f16(const uint8_t* blocks, float* out, size_t n_blocks);
void dequantize_bf16(const uint8_t* blocks, float* out, size_t n_blocks);

/// Format::quantize: nearest, ties to even; F16 gives infinity from 65520 on.
void quantize_f32(const float* in, uint8_t* blocks, size_t n_blocks);
void quantize_f16(const float* in, uint8_t* blocks, size_t n_blocks);
void quantize_bf16(const float* in, uint8_t* blocks, size_t n_blocks);

}  // namespace tern::tensor
