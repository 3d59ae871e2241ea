#include "convert/compare.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/result.h"
#include "convert/examine.h"
#include "kernels/half.h"
#include "threading/pieces.h"

namespace tern::convert {
namespace {

using tensor::Format;
using tensor::FormatKind;
using tensor::ScaleScope;
using tensor::TernaryMatrix;

/// The difference of the earliest row or byte that any worker meets.
class FirstDifference {
 public:
  void report(uint64_t at, std::string what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!what_ || at < at_) {
      at_ = at;
      what_ = std::move(what);
    }
  }
  std::optional<std::string> take() { return std::move(what_); }

 private:
  std::mutex mutex_;
  uint64_t at_ = 0;
  std::optional<std::string> what_;
};

std::optional<std::string> row_difference(const TernaryMatrix& a, const TernaryMatrix& b,
                                          uint64_t row, uint64_t number) {
  const uint8_t* codes_a = a.codes.data() + row * a.k;
  const uint8_t* codes_b = b.codes.data() + row * a.k;
  // Equal rows, which nearly all are, are found many codes at a time.
  if (std::memcmp(codes_a, codes_b, a.k) != 0) {
    const auto [at, other] = std::mismatch(codes_a, codes_a + a.k, codes_b);
    return fmt::format("row {}, column {}: weight {:+d}, and {:+d} in the source", number,
                       at - codes_a, *at - 1, *other - 1);
  }
  if (a.scope == ScaleScope::kTensor && b.scope == ScaleScope::kTensor &&
      kernels::f32_bits(a.scales[0]) == kernels::f32_bits(b.scales[0])) {
    return std::nullopt;
  }
  for (uint64_t col = 0; col < a.k; col += kFinestGroup) {
    const float scale_a = a.scale_at(row, col), scale_b = b.scale_at(row, col);
    if (kernels::f32_bits(scale_a) == kernels::f32_bits(scale_b)) continue;
    const uint8_t* end = codes_a + std::min(col + kFinestGroup, a.k);
    if (std::all_of(codes_a + col, end, [](uint8_t code) { return code == 1; })) continue;
    return fmt::format("row {}, column {}: scale {:.9g}, and {:.9g} in the source", number, col,
                       scale_a, scale_b);
  }
  return std::nullopt;
}

Result<std::optional<std::string>> ternary_difference(const SourceTensor& source,
                                                      const SourceTensor& stored,
                                                      const WorkerPool& pool,
                                                      const EncodeOptions& options) {
  std::vector<Scratch> of_source(static_cast<size_t>(pool.size())), of_file(of_source.size());
  FirstDifference first;
  TERN_RETURN_IF_ERROR(source.ternary->prepare(pool));
  const uint64_t k = source.ternary->k();
  const Result<void> read = for_pieces(
      pool, static_cast<size_t>(source.ternary->n_rows()), rows_per_piece(k), options.interrupt,
      [&](size_t begin, size_t end, int worker) -> Result<void> {
        const auto w = static_cast<size_t>(worker);
        TERN_RETURN_IF_ERROR(read_matrix(source, begin, end, options.round_scales, &of_source[w]));
        TERN_RETURN_IF_ERROR(read_matrix(stored, begin, end, false, &of_file[w]));
        for (size_t row = begin; row < end; ++row) {
          if (auto what =
                  row_difference(of_file[w].matrix, of_source[w].matrix, row - begin, row)) {
            first.report(row, *std::move(what));
            break;
          }
        }
        return {};
      });
  source.ternary->release();
  if (!read) return read.error();
  return first.take();
}

}  // namespace

Result<std::optional<std::string>> difference(
    const SourceTensor& source, const gguf::Reader& reader, const gguf::TensorInfo& info,
    std::shared_ptr<const ByteSource> file, const WorkerPool& pool, const EncodeOptions& options) {
  const Format& format = tensor::format_of(static_cast<tensor::DType>(info.type));
  if (source.shape != info.shape) {
    return std::optional<std::string>(fmt::format("shape [{}], and [{}] in the source",
                                                  fmt::join(info.shape, ", "),
                                                  fmt::join(source.shape, ", ")));
  }
  if (source.ternary != nullptr && format.kind == FormatKind::kTernary) {
    SourceTensor stored;
    TERN_ASSIGN_OR_RETURN(stored.ternary, stored_ternary(std::move(file), info.offset, format,
                                                         source.ternary->n_rows(),
                                                         source.ternary->k(), 1.0f, info.name));
    return ternary_difference(source, stored, pool, options);
  }
  if (format.kind == FormatKind::kTernary) {
    return std::optional<std::string>(
        fmt::format("it is {}, and {} in the source", format.name, source.source_type));
  }
  if (format.quantize == nullptr && (source.dense == nullptr || source.dense->format != &format)) {
    return std::optional<std::string>(
        fmt::format("it is {}, which tern does not make of {}", format.name, source.source_type));
  }
  std::vector<std::vector<uint8_t>> buffers(static_cast<size_t>(pool.size()));
  FirstDifference first;
  const ByteTaker compare = [&](uint64_t offset, std::span<const uint8_t> bytes,
                                int worker) -> Result<void> {
    std::vector<uint8_t>& stored = buffers[static_cast<size_t>(worker)];
    stored.resize(bytes.size());
    TERN_RETURN_IF_ERROR(reader.read(info, offset, stored));
    if (std::memcmp(bytes.data(), stored.data(), bytes.size()) != 0) {
      const auto at = std::mismatch(bytes.begin(), bytes.end(), stored.begin()).first;
      const uint64_t byte = offset + static_cast<uint64_t>(at - bytes.begin());
      first.report(byte, fmt::format("byte {} is not what the source's values give as {}", byte,
                                     format.name));
    }
    return {};
  };
  TERN_RETURN_IF_ERROR(encode_tensor(source, format, pool, options, compare));
  return first.take();
}

}  // namespace tern::convert
