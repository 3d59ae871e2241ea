#include "tensor/ternary_weights.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/result.h"

namespace tern::tensor {
namespace {

using kernels::kLineBytes;
using kernels::kLineK;
using kernels::kTileRows;

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

bool all_equal(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [&](float v) { return v == values[0]; });
}

// Whether groups 2i and 2i + 1 of every row have the same scale.
bool pairs_equal(const std::vector<float>& scales, size_t n_rows, size_t n_groups) {
  for (size_t r = 0; r < n_rows; ++r) {
    const float* row = scales.data() + r * n_groups;
    for (size_t g = 0; g + 1 < n_groups; g += 2) {
      if (row[g] != row[g + 1]) return false;
    }
  }
  return true;
}

Result<AlignedBuffer> take_bytes(BufferArena* arena, size_t n_bytes) {
  return arena != nullptr ? arena->take(n_bytes) : AlignedBuffer::allocate(n_bytes);
}

}  // namespace

ScaleGrid collapse_scales(std::vector<float> scales, size_t n_rows, size_t k, size_t group) {
  size_t n_groups = ceil_div(k, group);
  TERN_DCHECK(scales.size() == n_rows * n_groups);
  while (n_groups > 1 && pairs_equal(scales, n_rows, n_groups)) {
    const size_t halved = ceil_div(n_groups, 2);
    for (size_t r = 0; r < n_rows; ++r) {
      for (size_t g = 0; g < halved; ++g) scales[r * halved + g] = scales[r * n_groups + 2 * g];
    }
    scales.resize(n_rows * halved);
    n_groups = halved;
    group *= 2;
  }
  if (n_groups > 1) return {ScaleScope::kGroup, group, std::move(scales)};
  if (!all_equal(scales)) return {ScaleScope::kRow, 0, std::move(scales)};
  scales.resize(1);
  return {ScaleScope::kTensor, 0, std::move(scales)};
}

Result<TernaryWeights> TernaryWeights::allocate(TernaryLayout layout, size_t n_rows, size_t k,
                                                BufferArena* arena) {
  TERN_CHECK(n_rows > 0 && k > 0 && k <= kernels::kMaxK);
  TernaryWeights weights;
  weights.layout_ = &layout_row(layout);
  weights.n_rows_ = n_rows;
  weights.k_ = k;
  weights.tile_bytes_ = static_cast<size_t>(weights.layout_->tile_lines(k)) * kLineBytes;
  weights.n_tiles_ = ceil_div(n_rows, kTileRows);
  TERN_ASSIGN_OR_RETURN(weights.tiles_, take_bytes(arena, weights.n_tiles_ * weights.tile_bytes_));
  return weights;
}

Result<void> TernaryWeights::set_scales(const ScaleGrid& grid, size_t group, BufferArena* arena) {
  scope_ = grid.scope;
  group_ = 0;
  tile_stride_ = 0;
  group_stride_ = 0;
  if (scope_ == ScaleScope::kTensor) {
    TERN_ASSIGN_OR_RETURN(scales_, take_bytes(arena, kTileRows * sizeof(float)));
    std::fill_n(scales_.as<float>(), kTileRows, grid.values[0]);
    return {};
  }
  const size_t grid_groups = scope_ == ScaleScope::kRow ? 1 : ceil_div(k_, grid.group);
  size_t n_groups = 1;
  if (scope_ == ScaleScope::kGroup) {
    group_ = group != 0 && group < grid.group ? group : grid.group;
    TERN_CHECK(grid.group % group_ == 0);
    n_groups = ceil_div(k_, group_);
    group_stride_ = kTileRows;
  }
  tile_stride_ = n_groups * kTileRows;
  TERN_ASSIGN_OR_RETURN(scales_, take_bytes(arena, n_tiles_ * tile_stride_ * sizeof(float)));
  for (size_t row = 0; row < n_rows_; ++row) {
    float* out = scales_.as<float>() + row / kTileRows * tile_stride_ + row % kTileRows;
    for (size_t g = 0; g < n_groups; ++g) {
      const size_t from = scope_ == ScaleScope::kRow ? 0 : g * group_ / grid.group;
      out[g * group_stride_] = grid.values[row * grid_groups + from];
    }
  }
  return {};
}

void TernaryWeights::describe(size_t tile_begin, size_t tile_end, size_t product_group,
                              kernels::TernaryProduct* product) const {
  TERN_DCHECK(product_group % kLineK == 0 && (group_ == 0 || product_group == group_));
  product->tiles = tile(tile_begin);
  product->n_rows = std::min(n_rows_, tile_end * kTileRows) - tile_begin * kTileRows;
  product->n_lines = ceil_div(k_, kLineK);
  product->group_lines = product_group == 0 ? product->n_lines : product_group / kLineK;
  product->n_groups = ceil_div(product->n_lines, product->group_lines);
  product->w_scales = scales_.as<float>() + tile_begin * tile_stride_;
  product->w_tile_stride = tile_stride_;
  product->w_group_stride = group_stride_;
}

void TernaryWeights::dequantize_row(size_t row, float* out) const {
  layout_->unpack_row(tile(row / kTileRows), row % kTileRows, k_, out);
  const float* scales = scales_.as<float>() + row / kTileRows * tile_stride_ + row % kTileRows;
  for (size_t i = 0; i < k_; ++i) {
    out[i] = out[i] * (group_ == 0 ? scales[0] : scales[i / group_ * group_stride_]);
  }
}

uint64_t TernaryWeights::estimate_bytes(TernaryLayout layout, uint64_t n_rows, uint64_t k,
                                        uint64_t group) {
  const uint64_t n_tiles = (n_rows + kTileRows - 1) / kTileRows;
  const uint64_t n_groups = group == 0 ? 1 : (k + group - 1) / group;
  return n_tiles *
         (layout_row(layout).tile_lines(k) * kLineBytes + n_groups * kTileRows * sizeof(float));
}

}  // namespace tern::tensor
