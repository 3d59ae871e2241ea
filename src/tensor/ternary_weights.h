// A ternary matrix in a run-time layout: T2, T5 or L2 tiles (ternary_layout.h) and scales per
// tensor, row or group, whatever format it was stored in. Scales of groups are kept in half
// precision where that holds them all exactly, as it does for every format that has groups: 2 bytes
// less for the 32 of 128 weights. Owns its memory; immutable once loaded, threads may share it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/buffer_arena.h"
#include "kernels/kernel_table.h"
#include "tensor/dtype_table.h"
#include "tensor/ternary_layout.h"

namespace tern::tensor {

/// Scales of a matrix, as few as say the same: all equal -> one; equal within each row -> one per
/// row; else the coarsest group (a power of two times the stored one) within which they are equal.
/// So a model gives the same results from whatever container its scales came.
struct ScaleGrid {
  ScaleScope scope = ScaleScope::kTensor;
  size_t group = 0;           // elements along k for kGroup
  std::vector<float> values;  // [1], [n_rows] or [n_rows, ceil(k / group)]
};
/// scales [n_rows, ceil(k / group)], finite.
ScaleGrid collapse_scales(std::vector<float> scales, size_t n_rows, size_t k, size_t group);

/// Room that widen_scales() is given, floats: a quarter of an L2 cache of 1 MiB, so that a product
/// over many tokens has tiles enough to pay for rearranging the tokens. Two tiles always fit.
inline constexpr size_t kWidenedScales = size_t{64} << 10;

class TernaryWeights {
 public:
  /// Allocates tiles for the shape, from the arena if there is one. kOutOfMemory. REQUIRES: 0 < k
  /// <= kernels::kMaxK, n_rows > 0.
  static Result<TernaryWeights> allocate(TernaryLayout layout, size_t n_rows, size_t k,
                                         BufferArena* arena = nullptr);

  const LayoutRow& layout() const { return *layout_; }
  size_t n_rows() const { return n_rows_; }
  size_t k() const { return k_; }
  size_t n_tiles() const { return n_tiles_; }
  ScaleScope scale_scope() const { return scope_; }
  /// Elements per scale along k; 0 unless scale_scope() is kGroup.
  size_t scale_group() const { return group_; }
  uint64_t resident_bytes() const { return tiles_.size_bytes() + scales_.size_bytes(); }

  uint8_t* tile(size_t index) { return tiles_.data() + index * tile_bytes_; }
  const uint8_t* tile(size_t index) const { return tiles_.data() + index * tile_bytes_; }

  /// kOutOfMemory.
  Result<void> set_scales(const ScaleGrid& grid, BufferArena* arena = nullptr);
  /// Repeats the scales of groups for every `group` elements, which divides scale_group().
  /// kOutOfMemory. REQUIRES: scale_scope() is kGroup.
  Result<void> refine_scales(size_t group, BufferArena* arena = nullptr);

  /// Fills the weights' part of a product over tiles [tile_begin, tile_end) in groups of
  /// product_group elements (0: one group over all of k), which divides scale_group(). w_scales is
  /// null where has_half_scales(): widen_scales() makes them.
  void describe(size_t tile_begin, size_t tile_end, size_t product_group,
                kernels::TernaryProduct* product) const;

  /// Whether scales are in half precision. Kernels read floats: products then go over few tiles at
  /// a time, whose scales are widened before.
  bool has_half_scales() const { return half_scales_; }
  /// Scales of a tile, a multiple of 16; 0 where tiles share theirs.
  size_t tile_scales() const { return tile_stride_; }
  /// The scales of tiles [tile_begin, tile_end) as floats, as TernaryProduct::w_scales takes them,
  /// out [tile_end - tile_begin, tile_scales()]; and the halves of as many tiles that follow are
  /// fetched into the cache. REQUIRES: has_half_scales().
  void widen_scales(const kernels::KernelTable& kernels, size_t tile_begin, size_t tile_end,
                    float* out) const;

  /// One row as floats, out [k].
  void dequantize_row(size_t row, float* out) const;

  /// Bytes a matrix of this shape takes, with a scale of scale_bytes (4 or 2) for every `group`
  /// elements (0: one per row).
  static uint64_t estimate_bytes(TernaryLayout layout, uint64_t n_rows, uint64_t k, uint64_t group,
                                 uint64_t scale_bytes);

 private:
  template <typename Scale>
  void spread_scales(const ScaleGrid& grid, Scale* out) const;
  float scale_at(size_t index) const;

  const LayoutRow* layout_ = nullptr;
  size_t n_rows_ = 0, k_ = 0, n_tiles_ = 0, tile_bytes_ = 0;
  ScaleScope scope_ = ScaleScope::kTensor;
  size_t group_ = 0;
  size_t tile_stride_ = 0, group_stride_ = 0;  // of scales_, in elements
  bool half_scales_ = false;
  AlignedBuffer tiles_;   // [n_tiles, tile_bytes]
  AlignedBuffer scales_;  // floats, or halves: see describe()
};

}  // namespace tern::tensor
