// A dense matrix as stored: rows of blocks of one dense format. Owns its memory; immutable once
// loaded, threads may share it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "tensor/dtype_table.h"

namespace tern::tensor {

struct DenseWeights {
  const Format* format = nullptr;  // kind kDense
  size_t n_rows = 0;
  size_t k = 0;
  size_t row_stride = 0;  // bytes of a row, as stored; rows follow each other without gaps
  AlignedBuffer data;     // [n_rows, row_stride]

  const uint8_t* row(size_t index) const { return data.data() + index * row_stride; }
  void dequantize_row(size_t index, float* out) const {
    format->dequantize(row(index), out, k / format->block_elems);
  }
};

}  // namespace tern::tensor
