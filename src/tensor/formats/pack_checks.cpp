#include "tensor/formats/pack_checks.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/checked_math.h"
#include "base/result.h"
#include "kernels/half.h"

namespace tern::tensor {
namespace {

// By bits: a container keeps the sign of a zero scale, so two zeros are two scales.
bool same_scale(float a, float b) { return kernels::f32_bits(a) == kernels::f32_bits(b); }

std::optional<uint64_t> n_scales(const TernaryMatrix& matrix) {
  switch (matrix.scope) {
    case ScaleScope::kTensor:
      return 1;
    case ScaleScope::kRow:
      return matrix.n_rows;
    case ScaleScope::kGroup:
      return checked_mul(matrix.n_rows, (matrix.k - 1) / matrix.group + 1);
  }
  return std::nullopt;
}

Error differing_scales(const Format& format, const char* reach, float a, float b, uint64_t row,
                       uint64_t col) {
  return with_hint(make_error(ErrorCode::kUnsupported,
                              "{} stores one scale per {}, but the matrix has {} and, at row {}, "
                              "column {}, {}",
                              format.name, reach, a, row, col, b),
                   "choose a format with smaller scale groups: Q2_0, PQ2_0 or PTQ1_0");
}

}  // namespace

Result<void> check_matrix(const Format& format, const TernaryMatrix& matrix) {
  const std::optional<uint64_t> n_codes = checked_mul(matrix.n_rows, matrix.k);
  if (!n_codes || *n_codes == 0 || matrix.codes.size() != *n_codes) {
    return make_error(ErrorCode::kUsage, "a matrix of {} rows and {} columns has {} codes",
                      matrix.n_rows, matrix.k, matrix.codes.size());
  }
  if (matrix.scope == ScaleScope::kGroup && matrix.group == 0) {
    return make_error(ErrorCode::kUsage, "the scale groups of the matrix have 0 elements");
  }
  if (const auto expected = n_scales(matrix); !expected || matrix.scales.size() != *expected) {
    return make_error(ErrorCode::kUsage,
                      "a matrix of {} rows and {} columns has {} scales, expected {}",
                      matrix.n_rows, matrix.k, matrix.scales.size(), expected.value_or(0));
  }
  // A maximum is found many codes at a time, a first position one by one.
  uint8_t largest = 0;
  for (const uint8_t code : matrix.codes) largest = std::max(largest, code);
  if (largest > 2) {
    const auto bad_code = std::find_if(matrix.codes.begin(), matrix.codes.end(),
                                       [](uint8_t code) { return code > 2; });
    const uint64_t index = static_cast<uint64_t>(bad_code - matrix.codes.begin());
    return make_error(ErrorCode::kUsage, "code {} at row {}, column {}, expected 0, 1 or 2",
                      *bad_code, index / matrix.k, index % matrix.k);
  }
  const auto bad_scale = std::find_if(matrix.scales.begin(), matrix.scales.end(),
                                      [](float scale) { return !std::isfinite(scale); });
  if (bad_scale != matrix.scales.end()) {
    return make_error(ErrorCode::kUnsupported, "scale {} of the matrix is {}",
                      bad_scale - matrix.scales.begin(), *bad_scale);
  }
  if (format.rows_straddle) {
    if (*n_codes % format.block_elems != 0) {
      return make_error(ErrorCode::kUnsupported,
                        "{} needs a multiple of {} elements, the matrix has {} x {}", format.name,
                        format.block_elems, matrix.n_rows, matrix.k);
    }
    return {};
  }
  if (matrix.k % format.block_elems != 0) {
    return make_error(ErrorCode::kUnsupported,
                      "{} needs rows of a multiple of {} elements, the matrix has {}", format.name,
                      format.block_elems, matrix.k);
  }
  if (matrix.n_rows % format.rows_together != 0) {
    return make_error(ErrorCode::kUnsupported, "{} needs a multiple of {} rows, the matrix has {}",
                      format.name, format.rows_together, matrix.n_rows);
  }
  return {};
}

Result<float> scale_of_range(const Format& format, const TernaryMatrix& matrix, uint64_t row,
                             uint64_t col_begin, uint64_t col_end) {
  const float first = matrix.scale_at(row, col_begin);
  if (matrix.scope != ScaleScope::kGroup) return first;
  // The group that follows the one of col_begin starts at the next multiple of the group size.
  const uint64_t group = matrix.group;
  for (uint64_t g = col_begin / group + 1; g <= (col_end - 1) / group; ++g) {
    const float other = matrix.scale_at(row, g * group);
    if (same_scale(first, other)) continue;
    const std::string reach = format.scope == ScaleScope::kGroup
                                  ? fmt::format("{} elements", format.scale_group)
                                  : std::string("row");
    return differing_scales(format, reach.c_str(), first, other, row, g * group);
  }
  return first;
}

Result<float> scale_of_matrix(const Format& format, const TernaryMatrix& matrix) {
  const float first = matrix.scales[0];
  const auto other = std::find_if_not(matrix.scales.begin(), matrix.scales.end(),
                                      [&](float scale) { return same_scale(scale, first); });
  if (other == matrix.scales.end()) return first;
  const uint64_t index = static_cast<uint64_t>(other - matrix.scales.begin());
  const uint64_t per_row = matrix.scales.size() / matrix.n_rows;
  return differing_scales(format, "tensor", first, *other, index / per_row,
                          index % per_row * matrix.group);
}

Result<uint16_t> exact_f16(const Format& format, float scale, uint64_t row, uint64_t col) {
  const uint16_t half = kernels::f32_to_f16(scale);
  const float nearest = kernels::f16_to_f32(half);
  if (same_scale(nearest, scale)) return half;
  return with_hint(
      make_error(ErrorCode::kUnsupported,
                 "{} stores f16 scales, and the scale {:.9g} at row {}, column {} is not one "
                 "(the nearest is {:.9g})",
                 format.name, scale, row, col, nearest),
      "a format with f32 scales holds it: I2_S (one scale per tensor) or IQ2_BN (one per row)");
}

}  // namespace tern::tensor
