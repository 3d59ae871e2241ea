// TQ1_0 and TQ2_0 of llama.cpp: 256 weights per block, one f16 scale at its end. Source:
// ggml-org/llama.cpp: ggml/src/ggml-common.h, ggml/src/ggml-quants.c.
//
// TQ1_0, 54 bytes, five trits per byte (trits.h), the first trit most significant:
//
//   byte 0..31   qs[m]      trit n of byte m is element  32n + m        n = 0..4      0..159
//   byte 32..47  qs[32+m]   trit n           is element  160 + 16n + m  n = 0..4    160..239
//   byte 48..51  qh[j]      trit n           is element  240 + 4n + j   n = 0..3    240..255
//   byte 52..53  f16 d                                   (fifth trit of qh is 0)
//
// TQ2_0, 66 bytes, two bits per weight, low bits first with stride 32:
//
//   byte p, p = j + m, j = 0 or 32, m = 0..31     1 0     | 3 2         | 5 4         | 7 6
//   element                                       4j + m  | 4j + 32 + m | 4j + 64 + m | 4j + 96 + m
//   byte 64..65  f16 d                            code 0, 1, 2 = -d, 0, +d; 3 never
#pragma once

#include "tensor/dtype_table.h"

namespace tern::tensor {

/// Format::unpack.
UnpackFault unpack_tq1_0(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                         uint64_t skip_elems, TernaryRows out);
UnpackFault unpack_tq2_0(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                         uint64_t skip_elems, TernaryRows out);

/// Format::pack.
Result<std::vector<uint8_t>> pack_tq1_0(const TernaryMatrix& matrix);
Result<std::vector<uint8_t>> pack_tq2_0(const TernaryMatrix& matrix);

}  // namespace tern::tensor
