// Reads the header of a GGUF file from front to back through a buffer of one chunk, and says where
// and in what a file ends too early. Borrows the source, which must outlive it; confined to one
// thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "tern/error.h"

namespace tern::gguf {

/// What is being read, for messages; put into words only when something fails. Borrows its texts.
struct Where {
  static constexpr uint64_t kNoIndex = ~uint64_t{0};

  std::string_view field;      // "the value of key"
  std::string_view name = {};  // "general.name", from the file
  uint64_t index = kNoIndex;   // element, key or tensor number, from 0
};

/// "the value of key 'general.name'", "string 7 of key 'tokens'", "the name of tensor 3".
std::string describe(const Where& where);

class Cursor {
 public:
  /// Starts at byte 0. More than max_bytes are never read.
  Cursor(const ByteSource& source, uint64_t max_bytes);

  uint64_t position() const { return position_; }

  /// The source's name, escaped for messages.
  const std::string& file() const { return file_; }

  /// Fills `out`. kCorrupt where the file ends before, kUnsupported beyond max_bytes.
  Result<void> read(std::span<uint8_t> out, const Where& where);

  /// Little-endian unsigned integer of n_bytes in [1, 8].
  Result<uint64_t> read_uint(size_t n_bytes, const Where& where);
  Result<uint32_t> read_u32(const Where& where);
  Result<uint64_t> read_u64(const Where& where) { return read_uint(8, where); }

  /// u64 length and bytes. kUnsupported when it is longer than max_string_bytes.
  Result<std::string> read_string(uint64_t max_string_bytes, const Where& where);

  /// Success when `count` things of at least min_bytes each may still follow. To be asked before
  /// anything is allocated for them. kCorrupt when the file is too short for them.
  Result<void> require(uint64_t count, uint64_t min_bytes, const Where& where) const;

 private:
  const ByteSource& source_;
  std::string file_;
  uint64_t size_;       // of the file
  uint64_t max_bytes_;  // that may be read
  uint64_t position_ = 0;
  std::vector<uint8_t> buffer_;
  uint64_t buffer_begin_ = 0;  // position in the file of buffer_[0]
};

}  // namespace tern::gguf
