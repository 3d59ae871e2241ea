// Decoding and encoding of the ternary formats that are made of independent blocks with one f16
// scale each. A format is described by a type Block:
//
//   kElems, kBytes, kScaleOffset         elements and bytes of a block, where its f16 scale lies
//   static Kind decode(const uint8_t* block, uint8_t* codes)
//                                        [kBytes] -> [kElems], or the fault that forbids it
//   static void encode(const uint8_t* codes, uint8_t* block)
//                                        [kElems] -> [kBytes] of zeros; leaves the scale alone
//
// Pure functions; internal to formats/.
#pragma once

#include "base/check.h"
#include "base/result.h"
#include "tensor/dtype_table.h"
#include "tensor/formats/bytes.h"
#include "tensor/formats/pack_checks.h"

namespace tern::tensor {

/// Format::unpack of such a format.
template <typename Block>
UnpackFault unpack_blocks(std::span<const uint8_t> bytes, uint64_t n_rows, uint64_t k,
                          uint64_t skip_elems, TernaryRows out) {
  const uint64_t blocks_per_row = k / Block::kElems;
  TERN_CHECK(skip_elems == 0 && k % Block::kElems == 0);
  TERN_CHECK(bytes.size() == n_rows * blocks_per_row * Block::kBytes);
  const uint8_t* in = bytes.data();
  uint8_t* codes = out.codes;
  float* scales = out.scales;
  for (uint64_t row = 0; row < n_rows; ++row) {
    for (uint64_t block = 0; block < blocks_per_row; ++block) {
      const uint16_t scale = load_u16(in + Block::kScaleOffset);
      if (!kernels::f16_is_finite(scale)) return {UnpackFault::Kind::kBadScale, row, block};
      *scales++ = kernels::f16_to_f32(scale);
      const UnpackFault::Kind kind = Block::decode(in, codes);
      if (kind != UnpackFault::Kind::kNone) return {kind, row, block};
      in += Block::kBytes;
      codes += Block::kElems;
    }
  }
  return {};
}

/// Format::pack of such a format.
template <typename Block>
Result<std::vector<uint8_t>> pack_blocks(const Format& format, const TernaryMatrix& matrix) {
  TERN_RETURN_IF_ERROR(check_matrix(format, matrix));
  // Not more than the codes, which are in memory: kBytes < kElems.
  std::vector<uint8_t> bytes(matrix.codes.size() / Block::kElems * Block::kBytes);
  uint8_t* out = bytes.data();
  const uint8_t* codes = matrix.codes.data();
  for (uint64_t row = 0; row < matrix.n_rows; ++row) {
    for (uint64_t col = 0; col < matrix.k; col += Block::kElems) {
      TERN_ASSIGN_OR_RETURN(const float scale,
                            scale_of_range(format, matrix, row, col, col + Block::kElems));
      TERN_ASSIGN_OR_RETURN(const uint16_t half, exact_f16(format, scale, row, col));
      Block::encode(codes, out);
      store_u16(out + Block::kScaleOffset, half);
      out += Block::kBytes;
      codes += Block::kElems;
    }
  }
  return bytes;
}

}  // namespace tern::tensor
