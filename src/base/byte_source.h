// Bytes at offsets: a file read by position, or memory in tests and fuzzers. Positional reads are
// used instead of a mapping, because a file that shrinks while it is mapped kills the process by
// SIGBUS, while a short read is an ordinary Error. Immutable after creation; threads may share one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tern/error.h"

namespace tern {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Name for messages: the path of a file.
  virtual const std::string& name() const = 0;

  /// Size in bytes when the source was opened.
  virtual uint64_t size_bytes() const = 0;

  /// Fills `out` with the bytes from `offset` on. kCorrupt when the source ends before (a file may
  /// have shrunk since it was opened), kNotFound when reading fails.
  virtual Result<void> read_at(uint64_t offset, std::span<uint8_t> out) const = 0;
};

/// Opens a regular file (or block device) for reading. kNotFound with the system's reason; a
/// directory is refused.
Result<std::shared_ptr<const ByteSource>> open_file_source(const std::string& path);

/// A source over bytes that it owns.
std::shared_ptr<const ByteSource> make_memory_source(std::vector<uint8_t> bytes, std::string name);

/// The whole of a source, refused with kUnsupported beyond max_bytes.
Result<std::vector<uint8_t>> read_all(const ByteSource& source, uint64_t max_bytes);

}  // namespace tern
