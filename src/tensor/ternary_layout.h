// The run-time layouts of ternary matrices (kernels/kernel_table.h draws them): one row each with
// what the loader and the products need. A layout changes bytes and speed, never a result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/kernel_table.h"

namespace tern::tensor {

enum class TernaryLayout { kT2, kT5, kL2 };

struct LayoutRow {
  TernaryLayout layout;
  const char* name;  // "T2"
  /// Lines of 64 bytes in a tile of k columns.
  uint64_t (*tile_lines)(uint64_t k);
  /// Writes up to 16 rows of codes [n_rows, k] as one tile. Missing rows and elements beyond k get
  /// the code of zero.
  void (*pack_tile)(const uint8_t* codes, size_t n_rows, size_t k, uint8_t* lines);
  /// Weights -1, 0, +1 of one of a tile's 16 rows, out [k].
  void (*unpack_row)(const uint8_t* lines, size_t row, size_t k, float* out);
  /// Its products, for one token and for any number.
  kernels::TernaryProductFn kernels::KernelTable::*gemv;
  kernels::TernaryProductFn kernels::KernelTable::*gemm;
  /// Fewest tiles of a call with one token: what it does beforehand must not weigh against them.
  size_t least_tiles;
};

const LayoutRow& layout_row(TernaryLayout layout);
std::span<const LayoutRow> all_layouts();

}  // namespace tern::tensor
