#include "convert/tensor_writer.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/result.h"
#include "convert/examine.h"
#include "kernels/half.h"
#include "tensor/formats/bytes.h"
#include "threading/pieces.h"

namespace tern::convert {
namespace {

using tensor::DType;
using tensor::Format;
using tensor::FormatKind;
using tensor::ScaleScope;

constexpr size_t kCopyPiece = size_t{1} << 20;

/// From one 16-bit float type to another: every value there is, looked up. Converting 300 million
/// embedding weights one by one takes longer than reading them.
class HalfTable {
 public:
  HalfTable(const Format& from, const Format& to) : to_(size_t{1} << 16) {
    for (uint32_t bits = 0; bits < to_.size(); ++bits) {
      uint8_t bytes[2];
      tensor::store_u16(bytes, static_cast<uint16_t>(bits));
      float value = 0.0f;
      from.dequantize(bytes, &value, 1);
      to.quantize(&value, bytes, 1);
      to_[bits] = tensor::load_u16(bytes);
    }
  }

  void convert(std::vector<uint8_t>* bytes) const {
    for (size_t i = 0; i + 1 < bytes->size(); i += 2) {
      tensor::store_u16(bytes->data() + i, to_[tensor::load_u16(bytes->data() + i)]);
    }
  }

 private:
  std::vector<uint16_t> to_;
};

bool is_half(DType dtype) { return dtype == DType::kF16 || dtype == DType::kBF16; }

Error too_large(const SourceTensor& tensor, const Format& format) {
  return with_hint(make_error(ErrorCode::kUnsupported,
                              "tensor {}: it holds a value that {} cannot (NaN, infinite or too "
                              "large)",
                              tensor.source_name, format.name),
                   "choose bf16, which has the range of f32; or the file is damaged");
}

class Encoder {
 public:
  Encoder(const SourceTensor& tensor, const Format& format, const WorkerPool& pool,
          const EncodeOptions& options, const ByteTaker& take)
      : tensor_(tensor), format_(format), pool_(pool), options_(options), take_(take) {}

  Result<CodeCounts> run() {
    scratch_.resize(static_cast<size_t>(pool_.size()));
    counts_.resize(scratch_.size());
    outs_.resize(scratch_.size());
    done_ = 0;
    if (tensor_.ternary != nullptr) {
      TERN_RETURN_IF_ERROR(encode_ternary());
    } else if (tensor_.dense != nullptr) {
      TERN_RETURN_IF_ERROR(encode_dense());
    } else {
      TERN_RETURN_IF_ERROR(encode_values());
    }
    CodeCounts total;
    for (const CodeCounts& counts : counts_) total = total + counts;
    return total;
  }

 private:
  // Progress of all workers, told by the calling thread.
  void advance(uint64_t n_bytes, int worker) {
    done_.fetch_add(n_bytes, std::memory_order_relaxed);
    if (worker == 0 && options_.progress) options_.progress(done_.exchange(0));
  }

  Result<void> encode_ternary() {
    TernarySource& source = *tensor_.ternary;
    TERN_RETURN_IF_ERROR(source.prepare(pool_));
    const auto k = static_cast<size_t>(source.k());
    const Result<void> done = for_pieces(
        pool_, static_cast<size_t>(source.n_rows()), rows_per_piece(k), options_.interrupt,
        [&](size_t begin, size_t end, int worker) -> Result<void> {
          const auto w = static_cast<size_t>(worker);
          Scratch& own = scratch_[w];
          TERN_RETURN_IF_ERROR(read_matrix(tensor_, begin, end, options_.round_scales, &own));
          counts_[w] = counts_[w] + count_codes(own.matrix.codes);
          TERN_RETURN_IF_ERROR(format_.kind == FormatKind::kDense
                                   ? take_as_floats(begin, end, worker)
                                   : take_packed(begin, worker));
          advance((end - begin) * k / 4, worker);
          return {};
        });
    source.release();
    if (!done) return done.error();
    if (format_.kind == FormatKind::kTernary && format_.scope == ScaleScope::kTensor) {
      return take_tail();
    }
    finish_progress();
    return {};
  }

  Result<void> take_packed(size_t row_begin, int worker) {
    const tensor::TernaryMatrix& matrix = scratch_[static_cast<size_t>(worker)].matrix;
    TERN_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, format_.pack(matrix));
    // The tail of a stream of blocks belongs to the tensor, not to its pieces.
    const uint64_t offset = tensor::byte_range(format_, matrix.k, 0, row_begin).n_bytes;
    return take_(offset, std::span(bytes).first(bytes.size() - format_.tensor_tail_bytes), worker);
  }

  Result<void> take_as_floats(size_t begin, size_t end, int worker) {
    const auto w = static_cast<size_t>(worker);
    const tensor::TernaryMatrix& matrix = scratch_[w].matrix;
    std::vector<float>& floats = scratch_[w].floats;
    floats.resize(matrix.codes.size());
    size_t i = 0;
    for (uint64_t row = 0; row < matrix.n_rows; ++row) {
      for (uint64_t col = 0; col < matrix.k; ++col, ++i) {
        floats[i] = static_cast<float>(matrix.codes[i] - 1) * matrix.scale_at(row, col);
      }
    }
    return take_quantized(begin, end, matrix.k, worker);
  }

  // Floats of rows [begin, end) in the worker's scratch, to the format.
  Result<void> take_quantized(size_t begin, size_t end, uint64_t k, int worker) {
    const auto w = static_cast<size_t>(worker);
    const std::vector<float>& floats = scratch_[w].floats;
    const auto stride = static_cast<size_t>(tensor::row_bytes(format_, k));
    std::vector<uint8_t>& out = outs_[w];
    out.resize((end - begin) * stride);
    format_.quantize(floats.data(), out.data(), (end - begin) * k / format_.block_elems);
    if (has_non_finite(format_.dtype, out)) {
      return too_large(tensor_, format_);
    }
    return take_(begin * stride, out, worker);
  }

  Result<void> encode_dense() {
    const DenseSource& dense = *tensor_.dense;
    const bool copied = dense.format == &format_;
    const bool looked_up = !copied && is_half(dense.format->dtype) && is_half(format_.dtype);
    std::unique_ptr<const HalfTable> table;
    if (looked_up && dense.n_rows > 1) {
      table = std::make_unique<const HalfTable>(*dense.format, format_);
    }
    const auto stride = static_cast<size_t>(dense.row_bytes());
    const size_t piece = copied || table != nullptr ? std::max<size_t>(kCopyPiece / stride, 1)
                                                    : rows_per_piece(dense.k);
    const Result<void> done =
        for_pieces(pool_, static_cast<size_t>(dense.n_rows), piece, options_.interrupt,
                   [&](size_t begin, size_t end, int worker) -> Result<void> {
                     const auto w = static_cast<size_t>(worker);
                     if (copied || table != nullptr) {
                       std::vector<uint8_t>& out = outs_[w];
                       out.resize((end - begin) * stride);
                       TERN_RETURN_IF_ERROR(dense.read_bytes(begin, end, out.data()));
                       if (table != nullptr) table->convert(&out);
                       if (has_non_finite(format_.dtype, out)) {
                         return copied ? damaged() : too_large(tensor_, format_);
                       }
                       TERN_RETURN_IF_ERROR(take_(begin * stride, out, worker));
                     } else {
                       Scratch& own = scratch_[w];
                       own.floats.resize((end - begin) * static_cast<size_t>(dense.k));
                       TERN_RETURN_IF_ERROR(dense.read(begin, end, own.floats.data(), &own));
                       TERN_RETURN_IF_ERROR(take_quantized(begin, end, dense.k, worker));
                     }
                     advance((end - begin) * stride, worker);
                     return {};
                   });
    finish_progress();
    return done;
  }

  Error damaged() const {
    return with_hint(make_error(ErrorCode::kCorrupt, "{}: tensor {} holds NaN or infinity",
                                tensor_.dense->file->name(), tensor_.source_name),
                     "the file is damaged; download it again");
  }

  Result<void> encode_values() {
    std::vector<uint8_t> bytes(tensor_.values.size() / format_.block_elems * format_.block_bytes);
    format_.quantize(tensor_.values.data(), bytes.data(),
                     tensor_.values.size() / format_.block_elems);
    return take_(0, bytes, 0);
  }

  Result<void> take_tail() {
    std::vector<uint8_t> tail(format_.tensor_tail_bytes);
    tensor::store_f32(tail.data(), tensor_.grid.values[0]);
    finish_progress();
    const TernarySource& source = *tensor_.ternary;
    return take_(tensor::tensor_scale_offset(format_, source.n_rows(), source.k()), tail, 0);
  }

  void finish_progress() {
    if (options_.progress) options_.progress(done_.exchange(0));
  }

  const SourceTensor& tensor_;
  const Format& format_;
  const WorkerPool& pool_;
  const EncodeOptions& options_;
  const ByteTaker& take_;
  std::atomic<uint64_t> done_{0};  // not told yet
  // By worker:
  std::vector<Scratch> scratch_;
  std::vector<CodeCounts> counts_;
  std::vector<std::vector<uint8_t>> outs_;
};

}  // namespace

CodeCounts count_codes(std::span<const uint8_t> codes) {
  // Bytes count up to 255 before they would overflow, and many of them fit a register.
  constexpr size_t kLanes = 32, kRounds = 255;
  uint64_t zero = 0, plus = 0;
  size_t i = 0;
  while (i + kLanes <= codes.size()) {
    uint8_t zeros[kLanes] = {}, pluses[kLanes] = {};
    for (size_t round = 0; round < kRounds && i + kLanes <= codes.size(); ++round, i += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        zeros[lane] = static_cast<uint8_t>(zeros[lane] + (codes[i + lane] == 1));
        pluses[lane] = static_cast<uint8_t>(pluses[lane] + (codes[i + lane] == 2));
      }
    }
    for (size_t lane = 0; lane < kLanes; ++lane) {
      zero += zeros[lane];
      plus += pluses[lane];
    }
  }
  for (; i < codes.size(); ++i) {
    zero += codes[i] == 1;
    plus += codes[i] == 2;
  }
  return {codes.size() - zero - plus, zero, plus};
}

CodeCounts operator+(const CodeCounts& a, const CodeCounts& b) {
  return {a.n_minus + b.n_minus, a.n_zero + b.n_zero, a.n_plus + b.n_plus};
}

Result<CodeCounts> encode_tensor(const SourceTensor& tensor, const Format& format,
                                 const WorkerPool& pool, const EncodeOptions& options,
                                 const ByteTaker& take) {
  return Encoder(tensor, format, pool, options, take).run();
}

}  // namespace tern::convert
