#include "tensor/ternary_weights.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/result.h"
#include "kernels/half.h"

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

bool fits_half(float value) { return kernels::f16_to_f32(kernels::f32_to_f16(value)) == value; }

void store(float value, float* out) { *out = value; }
void store(float value, uint16_t* out) { *out = kernels::f32_to_f16(value); }

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

// Scale of row r of tile i in group g: out[i * tile_stride_ + g * group_stride_ + r].
template <typename Scale>
void TernaryWeights::spread_scales(const ScaleGrid& grid, Scale* out) const {
  const size_t n_groups = tile_stride_ / kTileRows;
  for (size_t row = 0; row < n_rows_; ++row) {
    Scale* of_row = out + row / kTileRows * tile_stride_ + row % kTileRows;
    for (size_t g = 0; g < n_groups; ++g) {
      store(grid.values[row * n_groups + g], of_row + g * group_stride_);
    }
  }
}

Result<void> TernaryWeights::set_scales(const ScaleGrid& grid, BufferArena* arena) {
  scope_ = grid.scope;
  group_ = 0;
  tile_stride_ = 0;
  group_stride_ = 0;
  half_scales_ = false;
  if (scope_ == ScaleScope::kTensor) {
    TERN_ASSIGN_OR_RETURN(scales_, take_bytes(arena, kTileRows * sizeof(float)));
    std::fill_n(scales_.as<float>(), kTileRows, grid.values[0]);
    return {};
  }
  size_t n_groups = 1;
  if (scope_ == ScaleScope::kGroup) {
    group_ = grid.group;
    n_groups = ceil_div(k_, group_);
    group_stride_ = kTileRows;
  }
  tile_stride_ = n_groups * kTileRows;
  half_scales_ = scope_ == ScaleScope::kGroup && 2 * tile_stride_ <= kWidenedScales &&
                 std::all_of(grid.values.begin(), grid.values.end(), fits_half);
  const size_t scale_bytes = half_scales_ ? sizeof(uint16_t) : sizeof(float);
  TERN_ASSIGN_OR_RETURN(scales_, take_bytes(arena, n_tiles_ * tile_stride_ * scale_bytes));
  if (half_scales_) {
    spread_scales(grid, scales_.as<uint16_t>());
  } else {
    spread_scales(grid, scales_.as<float>());
  }
  return {};
}

Result<void> TernaryWeights::refine_scales(size_t group, BufferArena* arena) {
  TERN_CHECK(scope_ == ScaleScope::kGroup && group > 0 && group_ % group == 0);
  ScaleGrid fine{ScaleScope::kGroup, group, {}};
  const size_t n_groups = ceil_div(k_, group);
  fine.values.reserve(n_rows_ * n_groups);
  for (size_t row = 0; row < n_rows_; ++row) {
    const size_t first = row / kTileRows * tile_stride_ + row % kTileRows;
    for (size_t g = 0; g < n_groups; ++g) {
      fine.values.push_back(scale_at(first + g * group / group_ * group_stride_));
    }
  }
  return set_scales(fine, arena);
}

void TernaryWeights::describe(size_t tile_begin, size_t tile_end, size_t product_group,
                              kernels::TernaryProduct* product) const {
  TERN_DCHECK(product_group % kLineK == 0 && (group_ == 0 || product_group == group_));
  product->tiles = tile(tile_begin);
  product->n_rows = std::min(n_rows_, tile_end * kTileRows) - tile_begin * kTileRows;
  product->n_lines = ceil_div(k_, kLineK);
  product->group_lines = product_group == 0 ? product->n_lines : product_group / kLineK;
  product->n_groups = ceil_div(product->n_lines, product->group_lines);
  product->w_scales = half_scales_ ? nullptr : scales_.as<float>() + tile_begin * tile_stride_;
  product->w_tile_stride = tile_stride_;
  product->w_group_stride = group_stride_;
}

void TernaryWeights::widen_scales(const kernels::KernelTable& kernels, size_t tile_begin,
                                  size_t tile_end, float* out) const {
  TERN_DCHECK(half_scales_ && tile_begin < tile_end && tile_end <= n_tiles_);
  const uint16_t* halves = scales_.as<uint16_t>() + tile_begin * tile_stride_;
  const size_t n = (tile_end - tile_begin) * tile_stride_;
  kernels.f16_to_f32(halves, out, n);
  const size_t n_next = std::min(n, (n_tiles_ - tile_end) * tile_stride_);
  for (size_t i = 0; i < n_next; i += kLineBytes / sizeof(uint16_t)) {
    __builtin_prefetch(halves + n + i);
  }
}

float TernaryWeights::scale_at(size_t index) const {
  return half_scales_ ? kernels::f16_to_f32(scales_.as<uint16_t>()[index])
                      : scales_.as<float>()[index];
}

void TernaryWeights::dequantize_row(size_t row, float* out) const {
  layout_->unpack_row(tile(row / kTileRows), row % kTileRows, k_, out);
  const size_t first = row / kTileRows * tile_stride_ + row % kTileRows;
  const size_t run = group_ == 0 ? k_ : group_;
  for (size_t begin = 0; begin < k_; begin += run) {
    const float scale = scale_at(first + begin / run * group_stride_);
    const size_t end = std::min(k_, begin + run);
    for (size_t i = begin; i < end; ++i) out[i] = out[i] * scale;
  }
}

uint64_t TernaryWeights::estimate_bytes(TernaryLayout layout, uint64_t n_rows, uint64_t k,
                                        uint64_t group, uint64_t scale_bytes) {
  const uint64_t n_tiles = (n_rows + kTileRows - 1) / kTileRows;
  const uint64_t n_groups = group == 0 ? 1 : (k + group - 1) / group;
  return n_tiles *
         (layout_row(layout).tile_lines(k) * kLineBytes + n_groups * kTileRows * scale_bytes);
}

}  // namespace tern::tensor
