// I2_S, the format of bitnet.cpp: two bits per weight, one f32 scale per tensor.
//
// One flat stream over the whole tensor, row-major; runs of 4 * S elements in S bytes (S = 32 where
// it was made on x86 and in the published files, S = 16 where bitnet.cpp quantised on ARM):
//
//   byte p of a run      7 6 | 5 4  | 3 2   | 1 0         p = 0..S-1
//   element of the run    p  | S+p  | 2S+p  | 3S+p        code 0, 1, 2 = -1, 0, +1; 3 never
//
//   tensor = n/4 bytes of runs | f32 scale | 28 bytes of anything            n = elements
//
// Runs know nothing of rows: where k is not a multiple of 4 * S a run holds the end of one row and
// the start of the next. Sources:
// microsoft/BitNet: src/ggml-bitnet-mad.cpp, utils/convert-hf-to-gguf-bitnet.py,
// include/gemm-config.h.
#pragma once

#include "tensor/dtype_table.h"

namespace tern::tensor {

/// Format::unpack. Code 3 in elements outside the rows asked for is left to whoever reads those.
UnpackFault unpack_i2s(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                       uint64_t skip_elems, TernaryRows out);
UnpackFault unpack_i2s_arm(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                           uint64_t skip_elems, TernaryRows out);

/// Format::pack. The matrix has one scale; kUnsupported otherwise.
Result<std::vector<uint8_t>> pack_i2s(const TernaryMatrix& matrix);
Result<std::vector<uint8_t>> pack_i2s_arm(const TernaryMatrix& matrix);

}  // namespace tern::tensor
