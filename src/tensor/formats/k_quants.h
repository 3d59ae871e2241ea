// The k-quants of llama.cpp that embeddings and heads come in: 256 elements per block, in
// sub-blocks with small integer scales. e = element 0..255. Source:
// ggml-org/llama.cpp: ggml/src/ggml-common.h, ggml/src/ggml-quants.c.
//
// Q3_K, 110 bytes, 16 sub-blocks of 16, x = d * (scale - 32) * (q - 4), 0 <= q < 8:
//   byte 0..31    hmask   bit e/32 of byte e%32 = bit 2 of q
//   byte 32..95   qs      bits 2s..2s+1 of byte 32*(e/128) + e%32, s = e%128/32, = bits 1-0 of q
//   byte 96..107  scales  6 bits of sub-block j: bits 3-0 in the nibble j/8 of byte j%8,
//                         bits 5-4 in bits 2*(j/4)..+1 of byte 8 + j%4
//   byte 108..109 f16 d
//
// Q4_K, 144 bytes, and Q5_K, 176 bytes, 8 sub-blocks of 32, x = d * scale * q - dmin * min:
//   byte 0..1     f16 d
//   byte 2..3     f16 dmin
//   byte 4..15    scales  6 bits each. Sub-block j < 4: scale in bits 5-0 of byte j, min in bits
//                         5-0 of byte j+4. Sub-block j >= 4: bits 3-0 of the scale and of the min
//                         in the low and high nibble of byte j+4, bits 5-4 of the scale in bits
//                         7-6 of byte j-4, of the min in bits 7-6 of byte j
//   Q5_K 16..47   qh      bit e/32 of byte e%32 = bit 4 of q
//   then          qs      nibble e%64/32 of byte 32*(e/64) + e%32 = bits 3-0 of q
//
// Q6_K, 210 bytes, 16 sub-blocks of 16, x = d * scale * (q - 32):
//   byte 0..127   ql      nibble e%128/64 of byte 64*(e/128) + e%64 = bits 3-0 of q
//   byte 128..191 qh      bits 2s..2s+1 of byte 32*(e/128) + e%32, s = e%128/32, = bits 5-4 of q
//   byte 192..207 int8 scales, sub-block e/16
//   byte 208..209 f16 d
#pragma once

#include <cstddef>
#include <cstdint>

namespace tern::tensor {

inline constexpr size_t kSuperBlock = 256;
inline constexpr size_t kQ3KBytes = 110;
inline constexpr size_t kQ4KBytes = 144;
inline constexpr size_t kQ5KBytes = 176;
inline constexpr size_t kQ6KBytes = 210;

/// Format::dequantize: to [n_blocks * 256] floats.
void dequantize_q3_k(const uint8_t* blocks, float* out, size_t n_blocks);
void dequantize_q4_k(const uint8_t* blocks, float* out, size_t n_blocks);
void dequantize_q5_k(const uint8_t* blocks, float* out, size_t n_blocks);
void dequantize_q6_k(const uint8_t* blocks, float* out, size_t n_blocks);

/// Format::quantize: per sub-block the scale (and minimum) of least squared error among a few
/// candidates, then q nearest for the scales as stored. REQUIRES: finite input.
void quantize_q3_k(const float* in, uint8_t* blocks, size_t n_blocks);
void quantize_q4_k(const float* in, uint8_t* blocks, size_t n_blocks);
void quantize_q5_k(const float* in, uint8_t* blocks, size_t n_blocks);
void quantize_q6_k(const float* in, uint8_t* blocks, size_t n_blocks);

}  // namespace tern::tensor
