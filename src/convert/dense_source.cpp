#include <cmath>

#include "base/result.h"
#include "convert/source.h"
#include "kernels/half.h"
#include "tensor/formats/bytes.h"

namespace tern::convert {
namespace {

using tensor::DType;

bool all_finite(const float* values, size_t n) {
  uint32_t finite = 1;
  for (size_t i = 0; i < n; ++i) {
    finite &= static_cast<uint32_t>((kernels::f32_bits(values[i]) & 0x7f800000u) != 0x7f800000u);
  }
  return finite != 0;
}

Error not_finite(const DenseSource& source, uint64_t begin, uint64_t end) {
  return with_hint(make_error(ErrorCode::kCorrupt, "{}: rows {} to {} hold NaN or infinity",
                              source.file->name(), begin, end - 1),
                   "the file is damaged; download it again");
}

}  // namespace

bool has_non_finite(DType dtype, std::span<const uint8_t> bytes) {
  uint32_t found = 0;
  if (dtype == DType::kF32) {
    for (size_t i = 0; i + 3 < bytes.size(); i += 4) {
      const uint32_t bits = tensor::load_u32(bytes.data() + i);
      found |= static_cast<uint32_t>((bits & 0x7f800000u) == 0x7f800000u);
    }
  } else if (dtype == DType::kF16 || dtype == DType::kBF16) {
    const uint16_t mask = dtype == DType::kF16 ? 0x7c00u : 0x7f80u;
    uint16_t found16 = 0;  // as wide as what is compared, so that eight fit a register
    for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
      const auto exponent = static_cast<uint16_t>(tensor::load_u16(bytes.data() + i) & mask);
      found16 = static_cast<uint16_t>(found16 | (exponent == mask ? 1 : 0));
    }
    found = found16;
  }
  return found != 0;
}

Result<void> DenseSource::read_bytes(uint64_t begin, uint64_t end, uint8_t* out) const {
  const auto stride = static_cast<size_t>(row_bytes());
  if (order.head_dim == 0) {
    return file->read_at(offset + begin * stride, {out, static_cast<size_t>(end - begin) * stride});
  }
  for (uint64_t row = begin; row < end; ++row, out += stride) {
    TERN_RETURN_IF_ERROR(file->read_at(offset + order.source_row(row) * stride, {out, stride}));
  }
  return {};
}

Result<void> DenseSource::check(uint64_t begin, uint64_t end, Scratch* scratch) const {
  // Blocks of one float are what their bytes say, others what comes of them.
  if (format->block_elems != 1) {
    scratch->floats.resize(static_cast<size_t>((end - begin) * k));
    return read(begin, end, scratch->floats.data(), scratch);
  }
  scratch->bytes.resize(static_cast<size_t>((end - begin) * row_bytes()));
  TERN_RETURN_IF_ERROR(read_bytes(begin, end, scratch->bytes.data()));
  if (has_non_finite(format->dtype, scratch->bytes)) return not_finite(*this, begin, end);
  return {};
}

Result<void> DenseSource::read(uint64_t begin, uint64_t end, float* out, Scratch* scratch) const {
  const auto n = static_cast<size_t>((end - begin) * k);
  if (format->block_elems == 1) {
    TERN_RETURN_IF_ERROR(check(begin, end, scratch));
    format->dequantize(scratch->bytes.data(), out, n);
    return {};
  }
  scratch->bytes.resize(static_cast<size_t>((end - begin) * row_bytes()));
  TERN_RETURN_IF_ERROR(read_bytes(begin, end, scratch->bytes.data()));
  format->dequantize(scratch->bytes.data(), out, n / format->block_elems);
  if (!all_finite(out, n)) return not_finite(*this, begin, end);
  return {};
}

}  // namespace tern::convert
