// Q4_0 and Q5_0: 32 elements in 18 and 22 bytes. Source:
// ggml-org/llama.cpp: ggml/src/ggml-common.h, ggml/src/ggml-quants.c.
//
//   Q4_0   byte 0..1    f16 d
//          byte 2 + j   low nibble = element j, high nibble = element 16 + j     j = 0..15
//          x = d * (q - 8)
//
//   Q5_0   byte 0..1    f16 d
//          byte 2..5    u32 qh: bit j = bit 4 of element j, bit 16 + j = that of element 16 + j
//          byte 6 + j   low nibble = element j, high nibble = element 16 + j     j = 0..15
//          x = d * (q - 16)
#pragma once

#include <cstddef>
#include <cstdint>

namespace tern::tensor {

/// Format::dequantize: to [n_blocks * 32] floats.
void dequantize_q4_0(const uint8_t* blocks, float* out, size_t n_blocks);
void dequantize_q5_0(const uint8_t* blocks, float* out, size_t n_blocks);

/// Format::quantize: the element of largest magnitude becomes the lowest q, so that d has the sign
/// opposite to it and the one level more on that side is used. REQUIRES: finite input.
void quantize_q4_0(const float* in, uint8_t* blocks, size_t n_blocks);
void quantize_q5_0(const float* in, uint8_t* blocks, size_t n_blocks);

}  // namespace tern::tensor
