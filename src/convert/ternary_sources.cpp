#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/result.h"
#include "convert/source.h"
#include "kernels/half.h"
#include "tensor/formats/bytes.h"
#include "threading/pieces.h"

namespace tern::convert {
namespace {

using tensor::Format;
using tensor::ScaleScope;

constexpr size_t kReadPiece = size_t{1} << 20;

class StoredTernary final : public TernarySource {
 public:
  StoredTernary(std::shared_ptr<const ByteSource> file, uint64_t offset, const Format& format,
                uint64_t n_rows, uint64_t k, float companion, std::string name)
      : file_(std::move(file)),
        offset_(offset),
        format_(format),
        companion_(companion),
        name_(std::move(name)) {
    n_rows_ = n_rows;
    k_ = k;
    scope_ = format.scope;
    group_ = format.scale_group;
  }

  Result<void> read_tensor_scale() {
    if (scope_ != ScaleScope::kTensor) return {};
    uint8_t bytes[4];
    TERN_RETURN_IF_ERROR(
        file_->read_at(offset_ + tensor::tensor_scale_offset(format_, n_rows_, k_), bytes));
    tensor_scale_ = tensor::load_f32(bytes) * companion_;
    if (!std::isfinite(tensor_scale_)) return bad("its scale is NaN or infinite");
    return {};
  }

  Result<void> read(uint64_t begin, uint64_t end, uint8_t* codes, float* scales,
                    Scratch* scratch) const override {
    // Rows that are stored together are read together.
    const uint64_t together = format_.rows_together;
    if (begin % together != 0 || end % together != 0) {
      return make_error(ErrorCode::kInternal, "{}: rows {} to {} of {} read apart", name_, begin,
                        end, format_.name);
    }
    const tensor::ByteRange range = tensor::byte_range(format_, k_, begin, end);
    scratch->bytes.resize(static_cast<size_t>(range.n_bytes));
    TERN_RETURN_IF_ERROR(file_->read_at(offset_ + range.offset, scratch->bytes));
    tensor::TernaryRows rows{codes, scope_ == ScaleScope::kTensor ? nullptr : scales};
    tensor::UnpackFault fault =
        format_.unpack(scratch->bytes, end - begin, k_, range.skip_elems, rows);
    if (fault.kind != tensor::UnpackFault::Kind::kNone) {
      fault.row += begin;
      return bad(tensor::describe(fault));
    }
    if (scope_ == ScaleScope::kTensor || companion_ == 1.0f) return {};
    for (uint64_t i = 0; i < (end - begin) * scales_per_row(); ++i) {
      scales[i] *= companion_;
      if (!std::isfinite(scales[i])) return bad("a scale times that of its .scale is too large");
    }
    return {};
  }

 private:
  Error bad(const std::string& what) const {
    return with_hint(make_error(ErrorCode::kCorrupt, "{}: tensor {} ({}): {}", file_->name(), name_,
                                format_.name, what),
                     "the tensor is damaged or not ternary; download the file again");
  }

  std::shared_ptr<const ByteSource> file_;
  uint64_t offset_;
  const Format& format_;
  float companion_;
  std::string name_;
};

// One row of codes out of bytes that hold four rows. Returns whether it has a code 3. The shift is
// a constant so that the compiler vectorises the loop.
template <int kShift>
bool unpack_quarter(const uint8_t* __restrict bytes, size_t k, uint8_t* __restrict codes) {
  uint8_t threes = 0;
  for (size_t c = 0; c < k; ++c) {
    const auto code = static_cast<uint8_t>((bytes[c] >> kShift) & 3);
    codes[c] = code;
    threes = static_cast<uint8_t>(threes | (code & (code >> 1)));
  }
  return threes != 0;
}

class PackedTernary final : public TernarySource {
 public:
  PackedTernary(std::shared_ptr<const ByteSource> file, uint64_t offset, uint64_t n_rows,
                uint64_t k, RowOrder order, float scale, std::string name)
      : file_(std::move(file)), offset_(offset), order_(order), name_(std::move(name)) {
    n_rows_ = n_rows;
    k_ = k;
    tensor_scale_ = scale;
  }

  // Each byte holds codes of four rows that lie far apart, so the tensor is read once, whole.
  Result<void> prepare(const WorkerPool& pool) override {
    bytes_.resize(static_cast<size_t>(n_rows_ / 4 * k_));
    return for_pieces(
        pool, bytes_.size(), kReadPiece, nullptr,
        [&](size_t begin, size_t end, int) -> Result<void> {
          return file_->read_at(offset_ + begin, {bytes_.data() + begin, end - begin});
        });
  }
  void release() override { std::vector<uint8_t>().swap(bytes_); }

  Result<void> read(uint64_t begin, uint64_t end, uint8_t* codes, float*, Scratch*) const override {
    TERN_CHECK(!bytes_.empty());
    const uint64_t n_packed = n_rows_ / 4;
    const auto k = static_cast<size_t>(k_);
    for (uint64_t row = begin; row < end; ++row, codes += k) {
      const uint64_t from = order_.source_row(row);
      const uint8_t* bytes = bytes_.data() + from % n_packed * k_;
      bool has_three = false;
      switch (from / n_packed) {
        case 0:
          has_three = unpack_quarter<0>(bytes, k, codes);
          break;
        case 1:
          has_three = unpack_quarter<2>(bytes, k, codes);
          break;
        case 2:
          has_three = unpack_quarter<4>(bytes, k, codes);
          break;
        default:
          has_three = unpack_quarter<6>(bytes, k, codes);
      }
      if (has_three) {
        return with_hint(
            make_error(ErrorCode::kCorrupt, "{}: tensor {}: code 3 in row {}: it is not ternary",
                       file_->name(), name_, from),
            "the file is damaged or packed in another way; download it again");
      }
    }
    return {};
  }

 private:
  std::shared_ptr<const ByteSource> file_;
  uint64_t offset_;
  RowOrder order_;
  std::string name_;
  std::vector<uint8_t> bytes_;  // [n_rows / 4, k] between prepare() and release()
};

void codes_of_signs(const float* __restrict w, size_t n, uint8_t* __restrict codes) {
  for (size_t i = 0; i < n; ++i) {
    codes[i] = static_cast<uint8_t>(1 + (w[i] > 0.0f) - (w[i] < 0.0f));
  }
}

// round_half_even(w * inverse) clamped to [-1, 1], plus 1: a half goes to 0.
void codes_of_rounded(const float* __restrict w, size_t n, float inverse,
                      uint8_t* __restrict codes) {
  for (size_t i = 0; i < n; ++i) {
    const float x = w[i] * inverse;
    codes[i] = static_cast<uint8_t>(1 + (x > 0.5f) - (x < -0.5f));
  }
}

class ExactTernary final : public TernarySource {
 public:
  ExactTernary(DenseSource dense, tensor::ScaleGrid grid)
      : dense_(std::move(dense)), grid_(std::move(grid)) {
    n_rows_ = dense_.n_rows;
    k_ = dense_.k;
    scope_ = grid_.scope;
    group_ = grid_.group;
    if (scope_ == ScaleScope::kTensor) tensor_scale_ = grid_.values[0];
  }

  Result<void> read(uint64_t begin, uint64_t end, uint8_t* codes, float* scales,
                    Scratch* scratch) const override {
    const auto n = static_cast<size_t>((end - begin) * k_);
    scratch->floats.resize(n);
    TERN_RETURN_IF_ERROR(dense_.read(begin, end, scratch->floats.data(), scratch));
    codes_of_signs(scratch->floats.data(), n, codes);
    if (scope_ != ScaleScope::kTensor) {
      const uint64_t per_row = scales_per_row();
      std::copy_n(grid_.values.data() + begin * per_row, (end - begin) * per_row, scales);
    }
    return {};
  }

 private:
  DenseSource dense_;
  tensor::ScaleGrid grid_;
};

class RoundedTernary final : public TernarySource {
 public:
  RoundedTernary(DenseSource dense, float inverse, float scale)
      : dense_(std::move(dense)), inverse_(inverse) {
    n_rows_ = dense_.n_rows;
    k_ = dense_.k;
    tensor_scale_ = scale;
  }

  Result<void> read(uint64_t begin, uint64_t end, uint8_t* codes, float*,
                    Scratch* scratch) const override {
    const auto n = static_cast<size_t>((end - begin) * k_);
    scratch->floats.resize(n);
    TERN_RETURN_IF_ERROR(dense_.read(begin, end, scratch->floats.data(), scratch));
    codes_of_rounded(scratch->floats.data(), n, inverse_, codes);
    return {};
  }

 private:
  DenseSource dense_;
  float inverse_;
};

}  // namespace

Result<void> TernarySource::prepare(const WorkerPool&) { return {}; }

Result<std::unique_ptr<TernarySource>> stored_ternary(std::shared_ptr<const ByteSource> file,
                                                      uint64_t offset, const Format& format,
                                                      uint64_t n_rows, uint64_t k, float companion,
                                                      std::string name) {
  auto source = std::make_unique<StoredTernary>(std::move(file), offset, format, n_rows, k,
                                                companion, std::move(name));
  TERN_RETURN_IF_ERROR(source->read_tensor_scale());
  return std::unique_ptr<TernarySource>(std::move(source));
}

std::unique_ptr<TernarySource> packed_ternary(std::shared_ptr<const ByteSource> file,
                                              uint64_t offset, uint64_t n_rows, uint64_t k,
                                              RowOrder order, float scale, std::string name) {
  return std::make_unique<PackedTernary>(std::move(file), offset, n_rows, k, order, scale,
                                         std::move(name));
}

std::unique_ptr<TernarySource> exact_ternary(DenseSource dense, tensor::ScaleGrid grid) {
  return std::make_unique<ExactTernary>(std::move(dense), std::move(grid));
}

std::unique_ptr<TernarySource> rounded_ternary(DenseSource dense, float inverse, float scale) {
  return std::make_unique<RoundedTernary>(std::move(dense), inverse, scale);
}

}  // namespace tern::convert
