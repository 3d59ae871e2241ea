// Random ternary matrices and what unpacking gives of them, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "kernels/half.h"
#include "tensor/dtype_table.h"

namespace tern::tensor {

/// Seed of all random data; printed with every failure through SCOPED_TRACE.
inline constexpr uint32_t kSeed = 20250131;

template <typename Predicate>
std::vector<const Format*> formats_where(Predicate predicate) {
  std::vector<const Format*> formats;
  for (const Format& format : all_formats()) {
    if (predicate(format)) formats.push_back(&format);
  }
  return formats;
}

inline std::vector<const Format*> formats_of_kind(FormatKind kind) {
  return formats_where([kind](const Format& format) { return format.kind == kind; });
}

/// Ternary formats that store scales as f32; the others have f16.
inline bool has_f32_scales(const Format& format) {
  return format.kind == FormatKind::kTernary &&
         (format.scope == ScaleScope::kTensor || format.dtype == DType::kIQ2_BN ||
          format.dtype == DType::kIQ2_BN_R4);
}

inline std::string format_test_name(const ::testing::TestParamInfo<const Format*>& info) {
  return info.param->name;
}

/// So that GoogleTest prints the name of a parameter, not its address.
inline void PrintTo(const Format* format, std::ostream* out) { *out << format->name; }

/// A scale that f16 holds, of either sign, 0 included.
inline float random_scale(std::mt19937& random) {
  if (random() % 16 == 0) return 0.0f;
  const uint16_t magnitude = static_cast<uint16_t>(random() % 0x7c00);
  return kernels::f16_to_f32(static_cast<uint16_t>(magnitude | (random() % 2) << 15));
}

inline uint64_t scales_per_row(const Format& format, uint64_t k) {
  return format.scope == ScaleScope::kGroup ? k / format.scale_group : 1;
}

/// Random codes, and random scales of the granularity of the format.
inline TernaryMatrix random_matrix(const Format& format, uint64_t n_rows, uint64_t k,
                                   std::mt19937& random) {
  TernaryMatrix matrix;
  matrix.n_rows = n_rows;
  matrix.k = k;
  matrix.scope = format.scope;
  matrix.group = format.scale_group;
  matrix.codes.resize(n_rows * k);
  const bool binary = format.dtype == DType::kQ1_0;
  for (uint8_t& code : matrix.codes) {
    code = static_cast<uint8_t>(binary ? random() % 2 * 2 : random() % 3);
  }
  matrix.scales.resize(format.scope == ScaleScope::kTensor ? 1
                                                           : n_rows * scales_per_row(format, k));
  for (float& scale : matrix.scales) scale = random_scale(random);
  return matrix;
}

/// Rows [row_begin, row_end) of packed bytes, as Format::unpack gives them.
struct Unpacked {
  UnpackFault fault;
  std::vector<uint8_t> codes;
  std::vector<float> scales;
  bool canaries_intact = false;
};

inline Unpacked unpack_rows(const Format& format, const std::vector<uint8_t>& tensor, uint64_t k,
                            uint64_t row_begin, uint64_t row_end) {
  constexpr size_t kCanary = 64;
  constexpr uint8_t kCanaryByte = 0xa5;
  constexpr float kCanaryFloat = 1234.5f;
  const ByteRange range = byte_range(format, k, row_begin, row_end);
  EXPECT_LE(range.offset + range.n_bytes, tensor.size());
  // A copy of exact size, so that a sanitizer sees a read past it.
  const auto begin = tensor.begin() + static_cast<std::ptrdiff_t>(range.offset);
  const std::vector<uint8_t> bytes(begin, begin + static_cast<std::ptrdiff_t>(range.n_bytes));
  const uint64_t n_rows = row_end - row_begin;
  const size_t n_codes = n_rows * k;
  const size_t n_scales =
      format.scope == ScaleScope::kTensor ? 0 : n_rows * scales_per_row(format, k);
  std::vector<uint8_t> codes(n_codes + 2 * kCanary, kCanaryByte);
  std::vector<float> scales(n_scales + 2 * kCanary, kCanaryFloat);

  Unpacked result;
  result.fault = format.unpack(bytes, n_rows, k, range.skip_elems,
                               {codes.data() + kCanary, scales.data() + kCanary});
  const auto intact = [](const auto& buffer, size_t n, auto canary) {
    return std::all_of(buffer.begin(), buffer.begin() + kCanary,
                       [&](auto v) { return v == canary; }) &&
           std::all_of(buffer.begin() + static_cast<std::ptrdiff_t>(kCanary + n), buffer.end(),
                       [&](auto v) { return v == canary; });
  };
  result.canaries_intact =
      intact(codes, n_codes, kCanaryByte) && intact(scales, n_scales, kCanaryFloat);
  result.codes.assign(codes.begin() + kCanary,
                      codes.begin() + static_cast<std::ptrdiff_t>(kCanary + n_codes));
  result.scales.assign(scales.begin() + kCanary,
                       scales.begin() + static_cast<std::ptrdiff_t>(kCanary + n_scales));
  return result;
}

}  // namespace tern::tensor
