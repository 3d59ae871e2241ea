// Writer of GGUF v3: lays a file out and makes its header (FORMAT.md). The tensor data stay with
// the caller, who writes or computes them at the offsets given, so a model larger than the memory
// can be written. Pure functions; values may be shared by threads that only read.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gguf/reader.h"
#include "tern/error.h"

namespace tern::gguf {

/// One tensor to be written.
struct TensorSpec {
  std::string name;
  std::vector<uint64_t> shape;  // row-major, 1 to 4 dimensions
  uint32_t type_id = 0;
  uint64_t n_bytes = 0;  // of its data, without padding
};

struct FileLayout {
  std::vector<uint8_t> header;    // everything before the data, padding included
  std::vector<uint64_t> offsets;  // by tensor, from the start of the file
  uint64_t file_bytes = 0;        // of the whole file; the last tensor is padded like the others
};

/// Lays out a file: keys in the order of `metadata`, tensors in the order of `tensors`, each padded
/// with zeros to the alignment of the key general.alignment (32 without it). kUsage naming the key
/// or tensor when GGUF cannot hold it: a value that its type does not, an array of arrays, an empty
/// or repeated name, a name above 63 bytes, an alignment that is no power of two, a size that
/// overflows.
Result<FileLayout> lay_out_file(const Metadata& metadata, std::span<const TensorSpec> tensors);

/// The GGUF type of a number of C++ type T.
template <typename T>
requires std::is_arithmetic_v<T>
constexpr ValueType value_type_of() {
  static_assert(sizeof(T) <= 8, "GGUF has no such number");
  constexpr bool kSigned = std::is_signed_v<T>;
  if (std::same_as<T, bool>) return ValueType::kBool;
  if (std::floating_point<T>) return sizeof(T) == 4 ? ValueType::kF32 : ValueType::kF64;
  if (sizeof(T) == 1) return kSigned ? ValueType::kI8 : ValueType::kU8;
  if (sizeof(T) == 2) return kSigned ? ValueType::kI16 : ValueType::kU16;
  if (sizeof(T) == 4) return kSigned ? ValueType::kI32 : ValueType::kU32;
  return kSigned ? ValueType::kI64 : ValueType::kU64;
}

/// A metadata value whose type in the file is that of `value`.
template <typename T>
requires std::is_arithmetic_v<T> Value make_value(T value) {
  if constexpr (std::same_as<T, bool>) {
    return {ValueType::kBool, value};
  } else if constexpr (std::floating_point<T>) {
    return {value_type_of<T>(), static_cast<double>(value)};
  } else if constexpr (std::is_signed_v<T>) {
    return {value_type_of<T>(), static_cast<int64_t>(value)};
  } else {
    return {value_type_of<T>(), static_cast<uint64_t>(value)};
  }
}
inline Value make_value(std::string_view text) { return {ValueType::kString, std::string(text)}; }

/// An array of numbers, as the machine holds them: GGUF and the machines tern runs on are
/// little-endian.
template <typename T>
requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>) Value
    make_array(const std::vector<T>& values) {
  Array array{
      value_type_of<T>(), values.size(), std::vector<uint8_t>(values.size() * sizeof(T)), {}};
  if (!values.empty()) std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return {ValueType::kArray, std::move(array)};
}
inline Value make_array(std::vector<std::string> texts) {
  const uint64_t count = texts.size();
  return {ValueType::kArray, Array{ValueType::kString, count, {}, std::move(texts)}};
}

}  // namespace tern::gguf
