// Builds GGUF bytes for tests, valid ones and, through overrides and the positions of every field,
// broken ones. Written against the format and not against the reader, so it shares no code with it.
// Not thread-safe.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gguf/reader.h"

namespace tern::test {

/// GGUF ids of the plain types that plain_resolver() knows.
inline constexpr uint32_t kGgufF32 = 0;
inline constexpr uint32_t kGgufF16 = 1;
inline constexpr uint32_t kGgufI8 = 24;

/// Resolver for F32, F16 and I8; kUnsupported naming the tensor for other ids. `type` is the id.
gguf::TypeResolver plain_resolver();

/// Appends / overwrites little-endian integers and floats. put_le needs room for the value.
template <typename T>
void append_le(std::vector<uint8_t>& bytes, T value) {
  static_assert(std::endian::native == std::endian::little && std::is_arithmetic_v<T>);
  const size_t at = bytes.size();
  bytes.resize(at + sizeof value);
  std::memcpy(bytes.data() + at, &value, sizeof value);
}
template <typename T>
void put_le(std::vector<uint8_t>& bytes, size_t at, T value) {
  static_assert(std::endian::native == std::endian::little && std::is_arithmetic_v<T>);
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

/// A finished file and where its fields are.
struct GgufImage {
  std::vector<uint8_t> bytes;
  /// Positions by name: "version", "n_tensors", "n_kv"; "kv.<key>" (its length), "kv.<key>.text",
  /// "kv.<key>.type", "kv.<key>.value" (for arrays: the element type); "tensor.<name>" (its
  /// length), "tensor.<name>.text", ".n_dims", ".dims", ".type", ".offset", ".data".
  std::map<std::string, size_t, std::less<>> fields;
  size_t header_bytes = 0;  // without padding
  size_t data_begin = 0;    // with padding

  /// Position of a field; aborts when there is none.
  size_t at(std::string_view field) const;

  /// The bytes as a source called `name`.
  std::shared_ptr<const ByteSource> source(std::string name = "test.gguf") const {
    return make_memory_source(bytes, std::move(name));
  }
};

class GgufWriter {
 public:
  /// 3 unless told.
  GgufWriter& version(uint32_t version) {
    version_ = version;
    return *this;
  }
  /// Aligns the data and adds the key general.alignment. Without this: 32 and no key.
  GgufWriter& alignment(uint32_t alignment) {
    alignment_ = alignment;
    return kv("general.alignment", alignment);
  }

  /// Adds a key; the type in the file is that of `value`: [u]int8_t ... [u]int64_t, float, double,
  /// bool.
  template <typename T>
  requires std::is_arithmetic_v<T> GgufWriter& kv(std::string key, T value) {
    std::vector<uint8_t> payload;
    append_le(payload, value);
    return raw_kv(std::move(key), type_number<T>(), std::move(payload));
  }
  GgufWriter& kv(std::string key, std::string_view value);
  GgufWriter& kv(std::string key, const char* value) {
    return kv(std::move(key), std::string_view(value));
  }
  /// Adds an array of numbers or (as bytes of 0 and 1) bools.
  template <typename T>
  requires std::is_arithmetic_v<T> GgufWriter& array(std::string key,
                                                     const std::vector<T>& values) {
    std::vector<uint8_t> payload;
    append_le(payload, type_number<T>());
    append_le(payload, static_cast<uint64_t>(values.size()));
    for (const T value : values) append_le(payload, value);
    return raw_kv(std::move(key), kArrayType, std::move(payload));
  }
  GgufWriter& array(std::string key, const std::vector<std::string>& values);
  /// Adds a key with any type number and any bytes as its value.
  GgufWriter& raw_kv(std::string key, uint32_t type, std::vector<uint8_t> payload);

  /// Adds a tensor; `shape` is row-major, the data are padded to the alignment.
  GgufWriter& tensor(std::string name, std::vector<uint64_t> shape, uint32_t type_id,
                     std::vector<uint8_t> data);
  /// The same as F32. REQUIRES: as many values as the shape has elements.
  GgufWriter& tensor_f32(std::string name, std::vector<uint64_t> shape,
                         const std::vector<float>& values);
  /// Stores `offset` for the tensor added last, wherever its data are.
  GgufWriter& last_tensor_offset(uint64_t offset);

  /// The file and the positions of its fields, to be patched with put_le().
  GgufImage build() const;

  /// Writes the file to `path`; aborts when that fails.
  void write(const std::string& path) const;

  /// One writer per part: all keys in the first, tensors in order and in equal shares, and the
  /// split keys in each. REQUIRES: n_parts >= 1.
  std::vector<GgufWriter> split(uint32_t n_parts) const;

  /// Writes split(n_parts) as <prefix>-00001-of-0000N.gguf and so on, and returns the paths.
  std::vector<std::string> write_split(const std::string& prefix, uint32_t n_parts) const;

 private:
  static constexpr uint32_t kStringType = 8;
  static constexpr uint32_t kArrayType = 9;

  template <typename T>
  static constexpr uint32_t type_number() {
    if constexpr (std::same_as<T, bool>) return 7;
    if constexpr (std::same_as<T, float>) return 6;
    if constexpr (std::same_as<T, double>) return 12;
    if constexpr (std::integral<T> && sizeof(T) == 1) return std::is_signed_v<T> ? 1 : 0;
    if constexpr (std::integral<T> && sizeof(T) == 2) return std::is_signed_v<T> ? 3 : 2;
    if constexpr (std::integral<T> && sizeof(T) == 4) return std::is_signed_v<T> ? 5 : 4;
    if constexpr (std::integral<T> && sizeof(T) == 8) return std::is_signed_v<T> ? 11 : 10;
  }

  struct Kv {
    std::string key;
    uint32_t type;
    std::vector<uint8_t> payload;
  };
  struct Tensor {
    std::string name;
    std::vector<uint64_t> shape;  // row-major
    uint32_t type_id;
    std::vector<uint8_t> data;
    std::optional<uint64_t> offset;
  };

  uint32_t version_ = 3;
  uint32_t alignment_ = 32;
  std::vector<Kv> kvs_;
  std::vector<Tensor> tensors_;
};

/// Writes bytes to a file; aborts when that fails.
void write_file(const std::string& path, const std::vector<uint8_t>& bytes);

}  // namespace tern::test
