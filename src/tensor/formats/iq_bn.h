// The BitNet formats of ik_llama.cpp: one scale per row, in front of it. Source:
// ikawrakow/ik_llama.cpp: ggml/src/ggml-common.h, ggml/src/iqk/iqk_quantize.cpp.
//
// IQ1_BN, row = f16 scale, then 13 bytes per 64 elements, which are four groups g of 16:
//
//   byte 3g + i   elements 16g + 5i + j, j = 0..4, weight 3^j      g = 0..3, i = 0..2
//   byte 12       elements 16g + 15,     weight 3^g
//
// both as trits.h says, the first element least significant.
//
// IQ2_BN, row = f32 scale, then 16 bytes per 64 elements:
//
//   byte j        1 0 | 3 2    | 5 4    | 7 6          j = 0..15
//   element       j   | 16 + j | 32 + j | 48 + j       code 0, 1, 2 = -1, 0, +1; 3 never
//
// IQ2_BN_R4, four rows = four f32 scales, then 64 bytes per 64 columns; r = 0..3 is the row of the
// four, i, l = 0..3:
//
//   byte 4r + i + 16l       1 0     | 3 2         | 5 4         | 7 6
//   column of the 64        16l + i | 16l + 4 + i | 16l + 8 + i | 16l + 12 + i
#pragma once

#include "tensor/dtype_table.h"

namespace tern::tensor {

/// Format::unpack.
UnpackFault unpack_iq1_bn(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                          uint64_t skip_elems, TernaryRows out);
UnpackFault unpack_iq2_bn(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                          uint64_t skip_elems, TernaryRows out);
UnpackFault unpack_iq2_bn_r4(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                             uint64_t skip_elems, TernaryRows out);

/// Format::pack. Each row has one scale (for IQ1_BN an f16); kUnsupported otherwise.
Result<std::vector<uint8_t>> pack_iq1_bn(const TernaryMatrix& matrix);
Result<std::vector<uint8_t>> pack_iq2_bn(const TernaryMatrix& matrix);
Result<std::vector<uint8_t>> pack_iq2_bn_r4(const TernaryMatrix& matrix);

}  // namespace tern::tensor
