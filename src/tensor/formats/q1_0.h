// Q1_0: one bit per weight, which is -d or +d, never 0. Source:
// ikawrakow/ik_llama.cpp: ggml/src/ggml-common.h, where it is Q1_0_G128.
//
//   byte 0..1    f16 d
//   byte 2 + b   bit i = element 8b + i      b = 0..15, i = 0..7; 1 = +d (code 2), 0 = -d (code 0)
#pragma once

#include "tensor/dtype_table.h"

namespace tern::tensor {

/// Format::unpack.
UnpackFault unpack_q1_0(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                        uint64_t skip_elems, TernaryRows out);

/// Format::pack. kUnsupported for a matrix with zeros.
Result<std::vector<uint8_t>> pack_q1_0(const TernaryMatrix& matrix);

}  // namespace tern::tensor
