#include "gguf/header.h"

#include <algorithm>
#include <bit>
#include <set>

#include "base/checked_math.h"
#include "base/result.h"
#include "gguf/cursor.h"
#include "gguf/foreign.h"
#include "gguf/text.h"
#include "gguf/value.h"

namespace tern::gguf {
namespace {

constexpr uint64_t kMagicBytes = 4;
constexpr uint8_t kMagic[kMagicBytes] = {'G', 'G', 'U', 'F'};

// Least bytes of an entry: key of one byte with its length, type, value of one byte.
constexpr uint64_t kMinKvBytes = 8 + 1 + 4 + 1;
// Name of one byte with its length, n_dims, one dimension, type, offset.
constexpr uint64_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

Result<uint32_t> read_version(Cursor& cursor) {
  TERN_ASSIGN_OR_RETURN(const uint32_t version, cursor.read_u32({"the version"}));
  if (version == 2 || version == 3) return version;
  if (version == 0) {
    return with_hint(
        make_error(ErrorCode::kCorrupt, "{}: GGUF version 0 does not exist", cursor.file()),
        kDamagedHint);
  }
  if (version == 1) {
    return with_hint(
        make_error(ErrorCode::kUnsupported,
                   "{}: is a GGUF version 1 file; tern reads versions 2 and 3", cursor.file()),
        "download the model as GGUF version 3, or convert it again");
  }
  // A small number written big-endian has its bytes at the wrong end.
  if ((version & 0xFFFFu) == 0) {
    return with_hint(
        make_error(ErrorCode::kUnsupported,
                   "{}: is a big-endian GGUF file (version reads as 0x{:08x}); tern reads "
                   "little-endian ones",
                   cursor.file(), version),
        "download the little-endian file of the model");
  }
  return with_hint(
      make_error(ErrorCode::kUnsupported, "{}: has GGUF version {}; tern reads versions 2 and 3",
                 cursor.file(), version),
      "a newer version of tern may know it; if the number looks senseless, the file is damaged");
}

Result<void> check_count(const Cursor& cursor, const char* what, uint64_t count, uint64_t limit) {
  if (count <= limit) return {};
  return make_error(ErrorCode::kUnsupported, "{}: {} is {}; at most {} are accepted", cursor.file(),
                    what, count, limit);
}

Result<void> read_metadata(Cursor& cursor, uint64_t n_kv, const Limits& limits,
                           Metadata& metadata) {
  for (uint64_t i = 0; i < n_kv; ++i) {
    TERN_ASSIGN_OR_RETURN(std::string key,
                          cursor.read_string(limits.max_key_bytes, {"key", {}, i}));
    if (key.empty()) {
      return with_hint(make_error(ErrorCode::kCorrupt, "{}: key {} is empty", cursor.file(), i),
                       kDamagedHint);
    }
    // Before the value is read, which may be large.
    if (metadata.has(key)) return metadata.add(std::move(key), {});
    TERN_ASSIGN_OR_RETURN(Value value, read_value(cursor, key, limits));
    TERN_RETURN_IF_ERROR(metadata.add(std::move(key), std::move(value)));
  }
  return {};
}

Result<uint64_t> alignment_of(const Metadata& metadata, const std::string& file) {
  const Value* value = metadata.find(kAlignmentKey);
  if (value == nullptr) return kDefaultAlignment;
  if (value->type != ValueType::kU32) {
    return with_hint(make_error(ErrorCode::kCorrupt, "{}: key '{}' is {}, expected u32", file,
                                kAlignmentKey, value_type_name(value->type)),
                     kDamagedHint);
  }
  const uint64_t alignment = std::get<uint64_t>(value->data);
  if (!std::has_single_bit(alignment)) {
    return with_hint(make_error(ErrorCode::kCorrupt, "{}: key '{}' is {}, expected a power of two",
                                file, kAlignmentKey, alignment),
                     kDamagedHint);
  }
  return alignment;
}

/// Dimensions as stored, the contiguous one first, turned into a row-major shape.
Result<std::vector<uint64_t>> read_shape(Cursor& cursor, std::string_view name) {
  TERN_ASSIGN_OR_RETURN(const uint32_t n_dims,
                        cursor.read_u32({"the number of dimensions of tensor", name}));
  if (n_dims == 0 || n_dims > kMaxDims) {
    return with_hint(
        make_error(ErrorCode::kCorrupt,
                   "{}: tensor '{}' has {} dimensions (at byte {}), expected 1 to {}",
                   cursor.file(), printable(name), n_dims, cursor.position() - 4, kMaxDims),
        kDamagedHint);
  }
  std::vector<uint64_t> shape(n_dims);
  uint64_t n_elements = 1;
  for (uint32_t d = 0; d < n_dims; ++d) {
    TERN_ASSIGN_OR_RETURN(const uint64_t size, cursor.read_u64({"the dimensions of tensor", name}));
    if (size == 0 || size > kMaxInt64) {
      return with_hint(
          make_error(ErrorCode::kCorrupt, "{}: tensor '{}': dimension {} is {}, expected 1 to {}",
                     cursor.file(), printable(name), d, size, kMaxInt64),
          kDamagedHint);
    }
    const auto product = checked_mul(n_elements, size);
    if (!product || *product > kMaxInt64) {
      return with_hint(
          make_error(ErrorCode::kCorrupt,
                     "{}: tensor '{}': the number of elements overflows at dimension {}, {}",
                     cursor.file(), printable(name), d, size),
          kDamagedHint);
    }
    n_elements = *product;
    shape[n_dims - 1 - d] = size;
  }
  return shape;
}

Result<std::vector<TensorInfo>> read_directory(Cursor& cursor, uint64_t n_tensors,
                                               const Limits& limits) {
  std::vector<TensorInfo> tensors;
  tensors.reserve(n_tensors);
  std::set<std::string_view> names;  // into `tensors`, which does not grow beyond what is reserved
  for (uint64_t i = 0; i < n_tensors; ++i) {
    TensorInfo tensor;
    TERN_ASSIGN_OR_RETURN(tensor.name,
                          cursor.read_string(limits.max_name_bytes, {"the name of tensor", {}, i}));
    if (tensor.name.empty()) {
      return with_hint(
          make_error(ErrorCode::kCorrupt, "{}: tensor {} has no name", cursor.file(), i),
          kDamagedHint);
    }
    TERN_ASSIGN_OR_RETURN(tensor.shape, read_shape(cursor, tensor.name));
    TERN_ASSIGN_OR_RETURN(tensor.type_id, cursor.read_u32({"the type of tensor", tensor.name}));
    TERN_ASSIGN_OR_RETURN(tensor.offset, cursor.read_u64({"the offset of tensor", tensor.name}));
    tensors.push_back(std::move(tensor));
    if (!names.insert(tensors.back().name).second) {
      return with_hint(make_error(ErrorCode::kCorrupt, "{}: tensor '{}' occurs twice",
                                  cursor.file(), printable(tensors.back().name)),
                       kDamagedHint);
    }
  }
  return tensors;
}

}  // namespace

Result<Header> read_header(const ByteSource& source, const Limits& limits) {
  Cursor cursor(source, limits.max_header_bytes);
  Header header;
  header.metadata.set_context(cursor.file());

  uint8_t magic[kMagicBytes] = {};
  if (source.size_bytes() < kMagicBytes) return not_gguf_error(source);
  TERN_RETURN_IF_ERROR(cursor.read(magic, {"the magic"}));
  if (!std::equal(std::begin(magic), std::end(magic), std::begin(kMagic))) {
    return not_gguf_error(source);
  }
  TERN_ASSIGN_OR_RETURN(header.version, read_version(cursor));

  TERN_ASSIGN_OR_RETURN(const uint64_t n_tensors, cursor.read_u64({"n_tensors"}));
  TERN_ASSIGN_OR_RETURN(const uint64_t n_kv, cursor.read_u64({"n_kv"}));
  TERN_RETURN_IF_ERROR(cursor.require(n_tensors, kMinTensorBytes, {"the list of tensors"}));
  TERN_RETURN_IF_ERROR(cursor.require(n_kv, kMinKvBytes, {"the list of keys"}));
  TERN_RETURN_IF_ERROR(check_count(cursor, "n_tensors", n_tensors, limits.max_tensors));
  TERN_RETURN_IF_ERROR(check_count(cursor, "n_kv", n_kv, limits.max_kv));

  TERN_RETURN_IF_ERROR(read_metadata(cursor, n_kv, limits, header.metadata));
  TERN_ASSIGN_OR_RETURN(header.alignment, alignment_of(header.metadata, cursor.file()));
  TERN_RETURN_IF_ERROR(cursor.require(n_tensors, kMinTensorBytes, {"the list of tensors"}));
  TERN_ASSIGN_OR_RETURN(header.tensors, read_directory(cursor, n_tensors, limits));
  header.header_bytes = cursor.position();
  return header;
}

}  // namespace tern::gguf
