// Reader of GGUF v2 and v3 files from strangers: header, metadata and tensor directory, every
// count, size and offset checked before it is used. Split files are read as one. See FORMAT.md. A
// Reader is immutable after open(); threads may share one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/byte_source.h"
#include "tern/error.h"
#include "tern/log.h"

namespace tern::gguf {

/// Value types of the format; the numbers are those in the file.
enum class ValueType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

const char* value_type_name(ValueType type);

/// Array value: strings in `strings`, everything else little-endian, back to back, in `bytes`.
struct Array {
  ValueType element_type = ValueType::kU8;
  uint64_t count = 0;
  std::vector<uint8_t> bytes;
  std::vector<std::string> strings;

  bool operator==(const Array&) const = default;
};

/// One metadata value. Unsigned integers widen to uint64_t, signed ones to int64_t, f32 to double.
struct Value {
  ValueType type = ValueType::kU8;
  std::variant<uint64_t, int64_t, double, bool, std::string, Array> data;

  bool operator==(const Value&) const = default;
};

/// Metadata of a file. The getters say by key, expected and found type what is wrong (kCorrupt);
/// the `_or` forms give the default where the key is absent, and still refuse a wrong type.
/// Immutable once filled; threads may share one.
class Metadata {
 public:
  bool has(std::string_view key) const { return find(key) != nullptr; }
  const Value* find(std::string_view key) const;
  /// In the order of the file.
  const std::vector<std::pair<std::string, Value>>& entries() const { return entries_; }

  /// Any non-negative integer type is accepted.
  Result<uint64_t> get_uint(std::string_view key) const;
  Result<uint64_t> get_uint_or(std::string_view key, uint64_t fallback) const;
  /// f32, f64 or any integer type is accepted; the value is finite.
  Result<double> get_float(std::string_view key) const;
  Result<double> get_float_or(std::string_view key, double fallback) const;
  Result<bool> get_bool_or(std::string_view key, bool fallback) const;
  Result<std::string> get_string(std::string_view key) const;
  Result<std::string> get_string_or(std::string_view key, std::string fallback) const;
  /// Pointers into this object. kCorrupt where the key is absent.
  Result<const std::vector<std::string>*> get_string_array(std::string_view key) const;
  /// Integer arrays of any width, widened. kCorrupt where the key is absent or a u64 does not fit.
  Result<std::vector<int64_t>> get_int_array(std::string_view key) const;
  /// f32 or f64 arrays; all values are finite as f32. kCorrupt where the key is absent.
  Result<std::vector<float>> get_float_array(std::string_view key) const;

  /// kCorrupt when the key is there already. `context` names the file in messages.
  Result<void> add(std::string key, Value value);
  void set_context(std::string context) { context_ = std::move(context); }

 private:
  Error missing(std::string_view key) const;
  Error wrong_type(std::string_view key, const Value& value, std::string_view expected) const;
  Error bad_value(std::string_view key, std::string_view found, std::string_view expected) const;

  std::string context_;
  std::vector<std::pair<std::string, Value>> entries_;
  std::map<std::string, size_t, std::less<>> index_;
};

/// One entry of the tensor directory.
struct TensorInfo {
  std::string name;
  std::vector<uint64_t> shape;  // row-major: shape.back() is the contiguous dimension (GGUF ne[0])
  uint32_t type_id = 0;         // as stored; ids collide between producers, see FORMAT.md
  int32_t type = -1;            // what the TypeResolver made of it
  uint64_t n_bytes = 0;         // as the TypeResolver says
  uint64_t offset = 0;          // from the start of its file
  size_t shard = 0;             // index of the file it is in

  uint64_t n_elements() const {
    uint64_t n = 1;
    for (uint64_t d : shape) n *= d;  // checked against overflow when the directory was read
    return n;
  }
};

struct ResolvedType {
  int32_t type = -1;
  uint64_t n_bytes = 0;
};

/// Decides what a stored type id means and how many bytes the tensor takes. `info` has name, shape
/// and type_id; available_bytes is the distance from the tensor's offset to the next larger offset
/// of the same file, or to the end of the file. metadata is that of the whole model (the first
/// part's, when it is split). An n_bytes beyond the file or reaching into another tensor is refused
/// by the reader. An error names the tensor; the reader puts the file in front. The tensor layer
/// gives one (tensor/dtype_table.h).
using TypeResolver = std::function<Result<ResolvedType>(
    const TensorInfo& info, uint64_t available_bytes, const Metadata& metadata)>;

/// For readers of the metadata alone: a tensor takes whatever room the file gives it.
TypeResolver any_tensor_type();

/// Limits against hostile files, far above any real one. What exceeds one is kUnsupported.
struct Limits {
  uint64_t max_kv = 1u << 16;
  uint64_t max_tensors = 1u << 17;
  uint64_t max_key_bytes = 1u << 16;
  uint64_t max_name_bytes = 63;           // GGML_MAX_NAME - 1
  uint64_t max_string_bytes = 64u << 20;  // chat templates, tokens
  uint64_t max_array_count = 64u << 20;
  uint64_t max_header_bytes = 256u << 20;  // real ones have 20 MiB at most; bounds the memory taken
};

/// Opens `path` and, when its name ends in -00001-of-0000N.gguf, the N files of the set, in order.
/// kNotFound, kUsage (a part of a split model that is not its first).
Result<std::vector<std::shared_ptr<const ByteSource>>> open_shards(const std::string& path);

class Reader {
 public:
  /// Reads the header of open_shards(path). Errors:
  /// kNotFound, kCorrupt, kUnsupported (v1, big-endian, newer versions, beyond `limits`),
  /// kOutOfMemory, kUsage (a part of a split model that is not its first), naming file and field.
  /// Metadata are those of the first file. Bytes after the last tensor are allowed. Blocks on
  /// reading; any thread.
  static Result<Reader> open(const std::string& path, const TypeResolver& resolver,
                             const LogSink& log = {}, const Limits& limits = {});

  /// The same over sources that are already open, in shard order; one for a file that is not split.
  /// REQUIRES: at least one, none null.
  static Result<Reader> open_sources(std::vector<std::shared_ptr<const ByteSource>> shards,
                                     const TypeResolver& resolver, const LogSink& log = {},
                                     const Limits& limits = {});

  const std::string& path() const { return shards_.front()->name(); }
  uint32_t version() const { return version_; }
  uint64_t alignment() const { return alignment_; }
  uint64_t file_bytes() const;  // of all shards
  size_t n_shards() const { return shards_.size(); }
  const Metadata& metadata() const { return metadata_; }
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  const TensorInfo* find_tensor(std::string_view name) const;

  /// Reads bytes [offset, offset + out.size()) of the tensor's data. REQUIRES: in range of n_bytes;
  /// `tensor` is one of tensors(). kCorrupt when the file has shrunk, kNotFound when reading fails.
  Result<void> read(const TensorInfo& tensor, uint64_t offset, std::span<uint8_t> out) const;
  const ByteSource& source(const TensorInfo& tensor) const { return *shards_[tensor.shard]; }

 private:
  Reader() = default;

  static Result<Reader> read_shards(std::vector<std::shared_ptr<const ByteSource>> shards,
                                    const TypeResolver& resolver, const LogSink& log,
                                    const Limits& limits);

  std::vector<std::shared_ptr<const ByteSource>> shards_;
  uint32_t version_ = 0;
  uint64_t alignment_ = 32;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
};

}  // namespace tern::gguf
