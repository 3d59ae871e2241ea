// Streams a GGUF file to the disk: the header of a FileLayout, then tensor data in any order and by
// several threads, so that a model larger than the memory can be written. The file appears under
// its name when finish() succeeds, and not at all otherwise.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/replacing_file.h"
#include "gguf/writer.h"
#include "tern/error.h"

namespace tern::gguf {

class FileWriter {
 public:
  /// Reserves the space of the whole file and writes its header. kNotFound: the folder is missing,
  /// may not be written to, or its disk has not enough space; the message has both sizes.
  static Result<FileWriter> create(const std::string& path, FileLayout layout);

  /// Writes a part of the data of tensor `index` of the layout, `offset` counted from its begin.
  /// Bytes never written are zero. May be called by threads at once, on disjoint ranges. kNotFound.
  Result<void> write(size_t index, uint64_t offset, std::span<const uint8_t> bytes) const {
    return file_.write_at(layout_.offsets[index] + offset, bytes);
  }

  /// Syncs the file and gives it its name. kNotFound.
  Result<void> finish() { return file_.commit(); }

  uint64_t file_bytes() const { return layout_.file_bytes; }

 private:
  FileWriter(ReplacingFile file, FileLayout layout)
      : file_(std::move(file)), layout_(std::move(layout)) {}

  ReplacingFile file_;
  FileLayout layout_;
};

}  // namespace tern::gguf
