#include "gguf/cursor.h"

#include <algorithm>
#include <cstring>

#include "base/result.h"
#include "gguf/text.h"

namespace tern::gguf {
namespace {

// Large enough that the few MiB of a header cost a few system calls, small against a model.
constexpr uint64_t kChunkBytes = uint64_t{1} << 20;

}  // namespace

std::string describe(const Where& where) {
  const bool indexed = where.index != Where::kNoIndex;
  if (indexed && !where.name.empty()) {
    return fmt::format("{} {} of key '{}'", where.field, where.index, printable(where.name));
  }
  if (indexed) return fmt::format("{} {}", where.field, where.index);
  if (!where.name.empty()) return fmt::format("{} '{}'", where.field, printable(where.name));
  return std::string(where.field);
}

Cursor::Cursor(const ByteSource& source, uint64_t max_bytes)
    : source_(source),
      file_(printable(source.name(), 4096)),
      size_(source.size_bytes()),
      max_bytes_(max_bytes) {}

Result<void> Cursor::require(uint64_t count, uint64_t min_bytes, const Where& where) const {
  // Division instead of multiplication: count comes from the file and the product may overflow.
  const uint64_t left = size_ - position_;
  if (count > left / min_bytes) {
    if (count == 1) {
      return with_hint(make_error(ErrorCode::kCorrupt,
                                  "{}: the file ends at byte {}, within {} ({} bytes at {})", file_,
                                  size_, describe(where), min_bytes, position_),
                       kTruncatedHint);
    }
    return with_hint(
        make_error(ErrorCode::kCorrupt,
                   "{}: {} needs {} x {} bytes or more at byte {}, but the file has only "
                   "{} bytes left",
                   file_, describe(where), count, min_bytes, position_, left),
        kTruncatedHint);
  }
  const uint64_t allowed = max_bytes_ > position_ ? max_bytes_ - position_ : 0;
  if (count > allowed / min_bytes) {
    return with_hint(
        make_error(ErrorCode::kUnsupported,
                   "{}: the header does not end within {} bytes, the limit, but goes on with {}",
                   file_, max_bytes_, describe(where)),
        "no known model has such a large header; check where the file comes from");
  }
  return {};
}

Result<void> Cursor::read(std::span<uint8_t> out, const Where& where) {
  if (out.empty()) return {};
  TERN_RETURN_IF_ERROR(require(1, out.size(), where));
  size_t done = 0;
  while (done < out.size()) {
    const uint64_t buffered_end = buffer_begin_ + buffer_.size();
    if (position_ >= buffer_begin_ && position_ < buffered_end) {
      const size_t n = std::min<size_t>(out.size() - done, buffered_end - position_);
      std::memcpy(out.data() + done, buffer_.data() + (position_ - buffer_begin_), n);
      done += n;
      position_ += n;
      continue;
    }
    const size_t wanted = out.size() - done;
    if (wanted >= kChunkBytes) {
      TERN_RETURN_IF_ERROR(source_.read_at(position_, out.subspan(done)));
      position_ += wanted;
      break;
    }
    buffer_.resize(std::min(kChunkBytes, size_ - position_));
    buffer_begin_ = position_;
    TERN_RETURN_IF_ERROR(source_.read_at(position_, buffer_));
  }
  return {};
}

Result<uint64_t> Cursor::read_uint(size_t n_bytes, const Where& where) {
  uint8_t bytes[8] = {};
  TERN_RETURN_IF_ERROR(read(std::span(bytes, n_bytes), where));
  uint64_t value = 0;
  for (size_t i = 0; i < n_bytes; ++i) value |= uint64_t{bytes[i]} << (8 * i);
  return value;
}

Result<uint32_t> Cursor::read_u32(const Where& where) {
  TERN_ASSIGN_OR_RETURN(const uint64_t value, read_uint(4, where));
  return static_cast<uint32_t>(value);
}

Result<std::string> Cursor::read_string(uint64_t max_string_bytes, const Where& where) {
  TERN_ASSIGN_OR_RETURN(const uint64_t n_bytes, read_u64(where));
  if (n_bytes == 0) return std::string();
  TERN_RETURN_IF_ERROR(require(1, n_bytes, where));
  if (n_bytes > max_string_bytes) {
    return make_error(ErrorCode::kUnsupported,
                      "{}: {} is {} bytes long (at byte {}); at most {} are accepted", file_,
                      describe(where), n_bytes, position_ - 8, max_string_bytes);
  }
  std::string text(n_bytes, '\0');
  TERN_RETURN_IF_ERROR(
      read(std::span(reinterpret_cast<uint8_t*>(text.data()), text.size()), where));
  return text;
}

}  // namespace tern::gguf
