// Q2_0 in its two block sizes, and PQ2_0: f16 scale first, then two bits per weight. Sources:
// ggml-org/llama.cpp#24448 (64 per block); the Prism fork (128).
//
//   byte 0..1    f16 d
//   byte 2 + b   1 0  | 3 2    | 5 4    | 7 6         b = 0..G/4-1
//   element      4b   | 4b + 1 | 4b + 2 | 4b + 3      code 0, 1, 2 = -d, 0, +d
//
// G = 64, 18 bytes: id 42 of llama.cpp. G = 128, 34 bytes: id 42 of an older fork, and id 142
// (PQ2_0). The format gives code 3 the meaning +2d; a block that has it is not ternary and is
// refused.
#pragma once

#include "tensor/dtype_table.h"

namespace tern::tensor {

/// Format::unpack; _g128 for PQ2_0 as well.
UnpackFault unpack_q2_0_g64(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                            uint64_t skip_elems, TernaryRows out);
UnpackFault unpack_q2_0_g128(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                             uint64_t skip_elems, TernaryRows out);

/// Format::pack.
Result<std::vector<uint8_t>> pack_q2_0_g64(const TernaryMatrix& matrix);
Result<std::vector<uint8_t>> pack_q2_0_g128(const TernaryMatrix& matrix);
Result<std::vector<uint8_t>> pack_pq2_0(const TernaryMatrix& matrix);

}  // namespace tern::tensor
