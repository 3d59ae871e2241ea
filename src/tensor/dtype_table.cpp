#include "tensor/dtype_table.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/result.h"
#include "tensor/formats/i2s.h"
#include "tensor/formats/iq_bn.h"
#include "tensor/formats/k_quants.h"
#include "tensor/formats/plain.h"
#include "tensor/formats/ptq1_0.h"
#include "tensor/formats/q1_0.h"
#include "tensor/formats/q2_0.h"
#include "tensor/formats/q4_0.h"
#include "tensor/formats/q8_0.h"
#include "tensor/formats/tq.h"

namespace tern::tensor {
namespace {

constexpr Format dense(DType dtype, const char* name, uint32_t gguf_id, uint32_t block_elems,
                       uint32_t block_bytes, decltype(Format::dequantize) dequantize,
                       decltype(Format::quantize) quantize) {
  Format format{};
  format.dtype = dtype;
  format.name = name;
  format.gguf_id = gguf_id;
  format.kind = FormatKind::kDense;
  format.block_elems = block_elems;
  format.block_bytes = block_bytes;
  format.rows_together = 1;
  format.dequantize = dequantize;
  format.quantize = quantize;
  return format;
}

// A ternary format of independent blocks with a scale each.
constexpr Format grouped(DType dtype, const char* name, uint32_t gguf_id, uint32_t block_elems,
                         uint32_t block_bytes, decltype(Format::unpack) unpack,
                         decltype(Format::pack) pack) {
  Format format{};
  format.dtype = dtype;
  format.name = name;
  format.gguf_id = gguf_id;
  format.kind = FormatKind::kTernary;
  format.block_elems = block_elems;
  format.block_bytes = block_bytes;
  format.rows_together = 1;
  format.scope = ScaleScope::kGroup;
  format.scale_group = block_elems;
  format.unpack = unpack;
  format.pack = pack;
  return format;
}

// A ternary format of rows with a scale in front, rows_together of them interleaved.
constexpr Format rowwise(DType dtype, const char* name, uint32_t gguf_id, uint32_t block_elems,
                         uint32_t block_bytes, uint32_t row_header_bytes, uint32_t rows_together,
                         decltype(Format::unpack) unpack, decltype(Format::pack) pack) {
  Format format = grouped(dtype, name, gguf_id, block_elems, block_bytes, unpack, pack);
  format.row_header_bytes = row_header_bytes;
  format.rows_together = rows_together;
  format.scope = ScaleScope::kRow;
  format.scale_group = 0;
  return format;
}

// A ternary format that is one stream of blocks over the tensor, with one f32 scale behind it.
constexpr Format streamed(DType dtype, const char* name, uint32_t gguf_id, uint32_t block_elems,
                          uint32_t block_bytes, decltype(Format::unpack) unpack,
                          decltype(Format::pack) pack) {
  Format format = grouped(dtype, name, gguf_id, block_elems, block_bytes, unpack, pack);
  format.tensor_tail_bytes = 32;
  format.rows_straddle = true;
  format.scope = ScaleScope::kTensor;
  format.scale_group = 0;
  return format;
}

constexpr Format refused(DType dtype, const char* name, uint32_t gguf_id) {
  Format format{};
  format.dtype = dtype;
  format.name = name;
  format.gguf_id = gguf_id;
  format.kind = FormatKind::kRefused;
  format.block_elems = 1;
  format.rows_together = 1;
  return format;
}

// The bit layout of each row is drawn in the header of its functions, formats/<format>.h. Arguments
// in the middle: GGUF id, elements and bytes per block (rowwise: header bytes, rows together).
constexpr std::array kFormats = {
    dense(DType::kF32, "F32", 0, 1, 4, dequantize_f32, quantize_f32),
    dense(DType::kF16, "F16", 1, 1, 2, dequantize_f16, quantize_f16),
    dense(DType::kBF16, "BF16", 30, 1, 2, dequantize_bf16, quantize_bf16),
    dense(DType::kQ8_0, "Q8_0", 8, 32, 34, dequantize_q8_0, quantize_q8_0),
    dense(DType::kQ4_0, "Q4_0", 2, 32, 18, dequantize_q4_0, quantize_q4_0),
    dense(DType::kQ5_0, "Q5_0", 6, 32, 22, dequantize_q5_0, quantize_q5_0),
    dense(DType::kQ3_K, "Q3_K", 11, 256, 110, dequantize_q3_k, quantize_q3_k),
    dense(DType::kQ4_K, "Q4_K", 12, 256, 144, dequantize_q4_k, quantize_q4_k),
    dense(DType::kQ5_K, "Q5_K", 13, 256, 176, dequantize_q5_k, quantize_q5_k),
    dense(DType::kQ6_K, "Q6_K", 14, 256, 210, dequantize_q6_k, quantize_q6_k),
    streamed(DType::kI2_S, "I2_S", 36, 128, 32, unpack_i2s, pack_i2s),
    streamed(DType::kI2_S_ARM, "I2_S_ARM", 36, 64, 16, unpack_i2s_arm, pack_i2s_arm),
    grouped(DType::kTQ1_0, "TQ1_0", 34, 256, 54, unpack_tq1_0, pack_tq1_0),
    grouped(DType::kTQ2_0, "TQ2_0", 35, 256, 66, unpack_tq2_0, pack_tq2_0),
    grouped(DType::kQ2_0_G64, "Q2_0", 42, 64, 18, unpack_q2_0_g64, pack_q2_0_g64),
    grouped(DType::kQ2_0_G128, "Q2_0_G128", 42, 128, 34, unpack_q2_0_g128, pack_q2_0_g128),
    grouped(DType::kPQ2_0, "PQ2_0", 142, 128, 34, unpack_q2_0_g128, pack_pq2_0),
    grouped(DType::kPTQ1_0, "PTQ1_0", 143, 128, 28, unpack_ptq1_0, pack_ptq1_0),
    grouped(DType::kQ1_0, "Q1_0", 41, 128, 18, unpack_q1_0, pack_q1_0),
    rowwise(DType::kIQ1_BN, "IQ1_BN", 134, 64, 13, 2, 1, unpack_iq1_bn, pack_iq1_bn),
    rowwise(DType::kIQ2_BN, "IQ2_BN", 135, 64, 16, 4, 1, unpack_iq2_bn, pack_iq2_bn),
    rowwise(DType::kIQ2_BN_R4, "IQ2_BN_R4", 335, 64, 64, 16, 4, unpack_iq2_bn_r4, pack_iq2_bn_r4),
    refused(DType::kTL1, "TL1", 38),
    refused(DType::kTL2, "TL2", 42),
};

constexpr bool in_order_of_dtype() {
  for (size_t i = 0; i < kFormats.size(); ++i) {
    if (kFormats[i].dtype != static_cast<DType>(i)) return false;
  }
  return kFormats.size() == static_cast<size_t>(DType::kTL2) + 1;
}
static_assert(in_order_of_dtype(), "format_of() indexes the table by DType");

std::string shape_text(std::span<const uint64_t> shape) {
  std::string text = "[";
  for (const uint64_t size : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(size);
  }
  return text + "]";
}

}  // namespace

std::span<const Format> all_formats() { return kFormats; }

const Format& format_of(DType dtype) {
  const size_t index = static_cast<size_t>(dtype);
  TERN_CHECK(index < kFormats.size());
  return kFormats[index];
}

const Format* find_format(std::string_view name) {
  const auto same_letter = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  };
  for (const Format& format : kFormats) {
    const std::string_view other = format.name;
    if (std::equal(name.begin(), name.end(), other.begin(), other.end(), same_letter)) {
      return &format;
    }
  }
  return nullptr;
}

uint64_t row_bytes(const Format& format, uint64_t k) {
  TERN_DCHECK(!format.rows_straddle && format.rows_together == 1);
  return format.row_header_bytes + k / format.block_elems * format.block_bytes;
}

Result<uint64_t> tensor_bytes(const Format& format, std::span<const uint64_t> shape) {
  if (format.kind == FormatKind::kRefused) {
    return make_error(ErrorCode::kUnsupported,
                      "the size of a {} tensor does not follow from its shape", format.name);
  }
  const uint64_t k = shape.empty() ? 1 : shape.back();
  const auto overflow = [&] {
    return make_error(ErrorCode::kCorrupt, "the size of a {} tensor of shape {} overflows",
                      format.name, shape_text(shape));
  };
  uint64_t n_rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) {
    const auto product = checked_mul(n_rows, shape[i]);
    if (!product) return overflow();
    n_rows = *product;
  }
  const auto n_elems = checked_mul(n_rows, k);
  if (!n_elems || *n_elems > static_cast<uint64_t>(INT64_MAX)) return overflow();
  if (*n_elems == 0) {
    return make_error(ErrorCode::kCorrupt, "a tensor of shape {} has no elements",
                      shape_text(shape));
  }
  if (format.rows_straddle) {
    if (*n_elems % format.block_elems != 0) {
      return make_error(ErrorCode::kUnsupported,
                        "{} needs a multiple of {} elements, and shape {} has {}", format.name,
                        format.block_elems, shape_text(shape), *n_elems);
    }
    return *n_elems / format.block_elems * format.block_bytes + format.tensor_tail_bytes;
  }
  if (k % format.block_elems != 0) {
    return make_error(ErrorCode::kCorrupt,
                      "{} needs rows of a multiple of {} elements, and shape {} has {}",
                      format.name, format.block_elems, shape_text(shape), k);
  }
  // Of each matrix, so that rows lying together do not come from two of a stack.
  const uint64_t matrix_rows = shape.size() < 2 ? 1 : shape[shape.size() - 2];
  if (matrix_rows % format.rows_together != 0) {
    return make_error(ErrorCode::kCorrupt, "{} needs a multiple of {} rows, and shape {} has {}",
                      format.name, format.rows_together, shape_text(shape), matrix_rows);
  }
  const auto data_bytes = checked_mul(k / format.block_elems, format.block_bytes);
  if (!data_bytes) return overflow();
  const auto group_bytes = checked_add(*data_bytes, format.row_header_bytes);
  if (!group_bytes) return overflow();
  const auto total = checked_mul(n_rows / format.rows_together, *group_bytes);
  if (!total) return overflow();
  return *total;
}

ByteRange byte_range(const Format& format, uint64_t k, uint64_t row_begin, uint64_t row_end) {
  TERN_CHECK(row_begin <= row_end && format.kind != FormatKind::kRefused);
  if (row_begin == row_end) return {};
  if (format.rows_straddle) {
    const uint64_t first = row_begin * k;
    const uint64_t end_block = (row_end * k + format.block_elems - 1) / format.block_elems;
    ByteRange range;
    range.offset = first / format.block_elems * format.block_bytes;
    range.n_bytes = end_block * format.block_bytes - range.offset;
    range.skip_elems = first % format.block_elems;
    return range;
  }
  TERN_CHECK(row_begin % format.rows_together == 0 && row_end % format.rows_together == 0);
  const uint64_t group_bytes =
      format.row_header_bytes + k / format.block_elems * format.block_bytes;
  return {row_begin / format.rows_together * group_bytes,
          (row_end - row_begin) / format.rows_together * group_bytes, 0};
}

uint64_t tensor_scale_offset(const Format& format, uint64_t n_rows, uint64_t k) {
  TERN_CHECK(format.scope == ScaleScope::kTensor && format.rows_straddle);
  return n_rows * k / format.block_elems * format.block_bytes;
}

std::string describe(const UnpackFault& fault) {
  const char* what = "no fault";
  const char* meaning = "";
  switch (fault.kind) {
    case UnpackFault::Kind::kNone:
      return what;
    case UnpackFault::Kind::kCode3:
      what = "code 3";
      meaning = "the block is not ternary";
      break;
    case UnpackFault::Kind::kBadTrits:
      what = "a byte that holds no ternary digits";
      meaning = "no encoder makes it";
      break;
    case UnpackFault::Kind::kBadScale:
      what = "a scale that is NaN or infinite";
      meaning = "no weight can be computed from it";
      break;
  }
  return fmt::format("{} in row {}, block {}: {}", what, fault.row, fault.block, meaning);
}

}  // namespace tern::tensor
