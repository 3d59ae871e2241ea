// Q8_0: 32 elements in 34 bytes. Source:
// ggml-org/llama.cpp: ggml/src/ggml-common.h, ggml/src/ggml-quants.c.
//
//   byte 0..1    f16 d
//   byte 2 + j   int8 q of element j = 0..31       x = d * q
#pragma once

#include <cstddef>
#include <cstdint>

namespace tern::tensor {

/// Format::dequantize: [n_blocks * 34] bytes to [n_blocks * 32] floats.
void dequantize_q8_0(const uint8_t* blocks, float* out, size_t n_blocks);

/// Format::quantize: d = max|x| / 127, q nearest for the stored d, in [-127, 127]. REQUIRES: finite
/// input.
void quantize_q8_0(const float* in, uint8_t* blocks, size_t n_blocks);

}  // namespace tern::tensor
