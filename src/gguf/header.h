// Header of one GGUF file: everything before the tensor data.
#pragma once

#include <cstdint>
#include <vector>

#include "base/byte_source.h"
#include "gguf/reader.h"
#include "tern/error.h"

namespace tern::gguf {

inline constexpr const char* kAlignmentKey = "general.alignment";
inline constexpr uint64_t kDefaultAlignment = 32;
inline constexpr uint32_t kMaxDims = 4;  // of a tensor

struct Header {
  uint32_t version = 0;
  uint64_t alignment = kDefaultAlignment;
  uint64_t header_bytes = 0;  // without the padding that follows
  Metadata metadata;
  /// In the order of the file. offset counts from the data section, whose begin depends on the
  /// alignment; type and n_bytes are open until place_tensors().
  std::vector<TensorInfo> tensors;
};

/// Reads and checks the header of `source`. Errors as Reader::open().
Result<Header> read_header(const ByteSource& source, const Limits& limits);

}  // namespace tern::gguf
