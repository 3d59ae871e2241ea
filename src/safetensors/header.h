// The header of one safetensors file from strangers, every length, offset and shape checked before
// it is used. Pure function over a source; see FORMAT.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_source.h"
#include "tern/error.h"

namespace tern::safetensors {

/// Element types of the format.
enum class DType {
  kBool,
  kU8,
  kI8,
  kF8E4M3,
  kF8E5M2,
  kU16,
  kI16,
  kF16,
  kBF16,
  kU32,
  kI32,
  kF32,
  kU64,
  kI64,
  kF64,
};

/// "BF16"
const char* dtype_name(DType dtype);
uint64_t dtype_bytes(DType dtype);

/// One tensor of a file.
struct TensorInfo {
  std::string name;
  DType dtype = DType::kU8;
  std::vector<uint64_t> shape;  // row-major; none for a scalar, a 0 for a tensor without elements
  uint64_t offset = 0;          // from the start of its file
  uint64_t n_bytes = 0;
  size_t shard = 0;  // index of the file it is in

  /// Of a tensor without elements 0. Checked against overflow when the header was read.
  uint64_t n_elements() const { return n_bytes / dtype_bytes(dtype); }
};

struct Header {
  std::vector<TensorInfo> tensors;  // in the order of their data
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// The format's own limit; real headers have some 100 KB.
constexpr uint64_t kMaxHeaderBytes = 100'000'000;

/// Reads the header. kCorrupt: no JSON object of the length the file names, a member of a wrong
/// type, a name twice, a size that its shape does not give, data that overlap, leave gaps or do not
/// end with the file. kUnsupported: an element type that is not known. kOutOfMemory.
Result<Header> read_header(const ByteSource& source);

}  // namespace tern::safetensors
