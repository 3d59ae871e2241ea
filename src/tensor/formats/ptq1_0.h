// PTQ1_0 of the Prism fork: 128 weights per block, one f16 scale at its end. Source:
// PrismML-Eng/llama.cpp, branch prism-v7.
//
// 28 bytes, five trits per byte (trits.h), the first trit most significant:
//
//   byte 0..15   qs[m]      trit n of byte m is element  16n + m       n = 0..4      0..79
//   byte 16..23  qs[16+m]   trit n           is element  80 + 8n + m   n = 0..4     80..119
//   byte 24..25  qh[h]      trit n           is element  120 + 2n + h  n = 0..3    120..127
//   byte 26..27  f16 d                                   (fifth trit of qh is 0)
#pragma once

#include "tensor/dtype_table.h"

namespace tern::tensor {

/// Format::unpack.
UnpackFault unpack_ptq1_0(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                          uint64_t skip_elems, TernaryRows out);

/// Format::pack.
Result<std::vector<uint8_t>> pack_ptq1_0(const TernaryMatrix& matrix);

}  // namespace tern::tensor
