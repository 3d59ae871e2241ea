#include <cmath>

#include "base/result.h"
#include "convert/source.h"
#include "kernels/half.h"

namespace tern::convert {

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

Result<void> DenseSource::read(uint64_t begin, uint64_t end, float* out, Scratch* scratch) const {
  const auto n = static_cast<size_t>((end - begin) * k);
  scratch->bytes.resize(static_cast<size_t>((end - begin) * row_bytes()));
  TERN_RETURN_IF_ERROR(read_bytes(begin, end, scratch->bytes.data()));
  format->dequantize(scratch->bytes.data(), out, n / format->block_elems);
  uint32_t finite = 1;
  for (size_t i = 0; i < n; ++i) {
    finite &= static_cast<uint32_t>((kernels::f32_bits(out[i]) & 0x7f800000u) != 0x7f800000u);
  }
  if (finite == 0) {
    return with_hint(make_error(ErrorCode::kCorrupt, "{}: rows {} to {} hold NaN or infinity",
                                file->name(), begin, end - 1),
                     "the file is damaged; download it again");
  }
  return {};
}

}  // namespace tern::convert
