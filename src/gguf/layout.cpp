#include "gguf/layout.h"

#include <algorithm>

#include "base/checked_math.h"
#include "base/log.h"
#include "base/result.h"
#include "gguf/text.h"

namespace tern::gguf {
namespace {

/// Checks the offset as stored and returns it counted from the start of the file.
Result<uint64_t> absolute_offset(const TensorInfo& tensor, uint64_t alignment, uint64_t data_begin,
                                 uint64_t file_bytes, const std::string& file) {
  if (tensor.offset % alignment != 0) {
    return with_hint(
        make_error(ErrorCode::kCorrupt,
                   "{}: tensor '{}': the offset {} is not a multiple of the alignment {}", file,
                   printable(tensor.name), tensor.offset, alignment),
        kDamagedHint);
  }
  const auto begin = checked_add(data_begin, tensor.offset);
  if (!begin || *begin >= file_bytes) {
    return with_hint(
        make_error(ErrorCode::kCorrupt,
                   "{}: tensor '{}' begins {} bytes into the data, which begin at byte {}, but the "
                   "file has only {} bytes",
                   file, printable(tensor.name), tensor.offset, data_begin, file_bytes),
        kTruncatedHint);
  }
  return *begin;
}

}  // namespace

Result<void> place_tensors(const ByteSource& source, const TypeResolver& resolver,
                           const Metadata& metadata, const LogSink& log, Header& header) {
  const std::string file = printable(source.name(), 4096);
  const uint64_t file_bytes = source.size_bytes();
  // Files without tensors (a vocabulary, the first part of a split model) may lack the padding, so
  // the begin of the data is held against the file size tensor by tensor.
  const auto data_begin = checked_align_up(header.header_bytes, header.alignment);
  if (!data_begin) {
    return make_error(ErrorCode::kInternal, "{}: the header size {} overflows", file,
                      header.header_bytes);
  }

  std::vector<uint64_t> begins;
  begins.reserve(header.tensors.size());
  for (TensorInfo& tensor : header.tensors) {
    TERN_ASSIGN_OR_RETURN(tensor.offset,
                          absolute_offset(tensor, header.alignment, *data_begin, file_bytes, file));
    begins.push_back(tensor.offset);
  }
  std::sort(begins.begin(), begins.end());

  for (TensorInfo& tensor : header.tensors) {
    const auto next = std::upper_bound(begins.begin(), begins.end(), tensor.offset);
    const uint64_t available_bytes = (next == begins.end() ? file_bytes : *next) - tensor.offset;
    auto resolved = resolver(tensor, available_bytes, metadata);
    if (!resolved) return with_context(std::move(resolved).error(), file);
    tensor.type = resolved->type;
    tensor.n_bytes = resolved->n_bytes;
    if (tensor.n_bytes > file_bytes - tensor.offset) {
      return with_hint(
          make_error(ErrorCode::kCorrupt,
                     "{}: tensor '{}' takes {} bytes from byte {} on, but the file has "
                     "only {} bytes",
                     file, printable(tensor.name), tensor.n_bytes, tensor.offset, file_bytes),
          kTruncatedHint);
    }
  }

  std::vector<const TensorInfo*> by_offset;
  by_offset.reserve(header.tensors.size());
  for (const TensorInfo& tensor : header.tensors) by_offset.push_back(&tensor);
  std::stable_sort(by_offset.begin(), by_offset.end(),
                   [](const TensorInfo* a, const TensorInfo* b) { return a->offset < b->offset; });
  for (size_t i = 1; i < by_offset.size(); ++i) {
    const TensorInfo& a = *by_offset[i - 1];
    const TensorInfo& b = *by_offset[i];
    if (a.n_bytes > b.offset - a.offset) {
      return with_hint(
          make_error(
              ErrorCode::kCorrupt,
              "{}: tensors '{}' and '{}' overlap: the first takes {} bytes from byte {} on, the "
              "second begins at byte {}",
              file, printable(a.name), printable(b.name), a.n_bytes, a.offset, b.offset),
          kDamagedHint);
    }
  }

  if (!by_offset.empty()) {
    const TensorInfo& last = *by_offset.back();
    const uint64_t trailing = file_bytes - last.offset - last.n_bytes;
    if (trailing >= header.alignment) {
      log_to(log, LogLevel::kDebug, "{}: {} bytes follow the last tensor", file, trailing);
    }
  }
  return {};
}

}  // namespace tern::gguf
