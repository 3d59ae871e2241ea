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

constexpr uint8_t kZeroCodes = 0x55;  // four times code 1

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

// The 16 codes of one row in one line, as its 32-bit lane.
uint32_t lane_of(const uint8_t* codes) {
  uint32_t words[4];
  std::memcpy(words, codes, sizeof(words));
  return words[0] | (words[1] << 2) | (words[2] << 4) | (words[3] << 6);
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

void pack_tile_t2(const uint8_t* codes, size_t n_rows, size_t k, uint8_t* lines) {
  const size_t n_lines = ceil_div(k, kLineK);
  const size_t n_full = k / kLineK;
  if (n_rows < kTileRows) std::memset(lines, kZeroCodes, n_lines * kLineBytes);
  for (size_t r = 0; r < n_rows; ++r) {
    const uint8_t* row = codes + r * k;
    for (size_t line = 0; line < n_full; ++line) {
      const uint32_t lane = lane_of(row + line * kLineK);
      std::memcpy(lines + line * kLineBytes + 4 * r, &lane, sizeof(lane));
    }
    if (n_full < n_lines) {
      uint8_t tail[kLineK];
      std::memset(tail, 1, sizeof(tail));
      std::memcpy(tail, row + n_full * kLineK, k - n_full * kLineK);
      const uint32_t lane = lane_of(tail);
      std::memcpy(lines + n_full * kLineBytes + 4 * r, &lane, sizeof(lane));
    }
  }
}

Result<TernaryWeights> TernaryWeights::allocate(size_t n_rows, size_t k) {
  TERN_CHECK(n_rows > 0 && k > 0 && k <= kernels::kMaxK);
  TernaryWeights weights;
  weights.n_rows_ = n_rows;
  weights.k_ = k;
  weights.n_lines_ = ceil_div(k, kLineK);
  weights.n_tiles_ = ceil_div(n_rows, kTileRows);
  TERN_ASSIGN_OR_RETURN(weights.tiles_,
                        AlignedBuffer::allocate(weights.n_tiles_ * weights.n_lines_ * kLineBytes));
  return weights;
}

Result<void> TernaryWeights::set_scales(const ScaleGrid& grid, size_t group) {
  scope_ = grid.scope;
  group_ = 0;
  tile_stride_ = 0;
  group_stride_ = 0;
  if (scope_ == ScaleScope::kTensor) {
    TERN_ASSIGN_OR_RETURN(scales_, AlignedBuffer::allocate(kTileRows * sizeof(float)));
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
  TERN_ASSIGN_OR_RETURN(scales_, AlignedBuffer::allocate(n_tiles_ * tile_stride_ * sizeof(float)));
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
  product->n_lines = n_lines_;
  product->group_lines = product_group == 0 ? n_lines_ : product_group / kLineK;
  product->n_groups = ceil_div(n_lines_, product->group_lines);
  product->w_scales = scales_.as<float>() + tile_begin * tile_stride_;
  product->w_tile_stride = tile_stride_;
  product->w_group_stride = group_stride_;
}

void TernaryWeights::dequantize_row(size_t row, float* out) const {
  const uint8_t* lines = tile(row / kTileRows) + 4 * (row % kTileRows);
  const float* scales = scales_.as<float>() + row / kTileRows * tile_stride_ + row % kTileRows;
  for (size_t i = 0; i < k_; ++i) {
    const uint8_t byte = lines[i / kLineK * kLineBytes + i % 4];
    const int code = (byte >> (2 * (i % kLineK / 4))) & 3;
    const float scale = group_ == 0 ? scales[0] : scales[i / group_ * group_stride_];
    out[i] = static_cast<float>(code - 1) * scale;
  }
}

uint64_t TernaryWeights::estimate_bytes(uint64_t n_rows, uint64_t k, uint64_t group) {
  const uint64_t n_tiles = (n_rows + kTileRows - 1) / kTileRows;
  const uint64_t n_lines = (k + kLineK - 1) / kLineK;
  const uint64_t n_groups = group == 0 ? 1 : (k + group - 1) / group;
  return n_tiles * (n_lines * kLineBytes + n_groups * kTileRows * sizeof(float));
}

}  // namespace tern::tensor
