#include "gguf/value.h"

#include <algorithm>
#include <bit>

#include "base/result.h"
#include "gguf/text.h"

namespace tern::gguf {
namespace {

constexpr uint32_t kLastValueType = static_cast<uint32_t>(ValueType::kF64);
constexpr uint64_t kStringLengthBytes = 8;

Result<ValueType> read_type(Cursor& cursor, std::string_view field, std::string_view key) {
  TERN_ASSIGN_OR_RETURN(const uint32_t id, cursor.read_u32({field, key}));
  if (id > kLastValueType) {
    return with_hint(
        make_error(ErrorCode::kCorrupt, "{}: {} '{}' is {} (at byte {}); the types are 0 to {}",
                   cursor.file(), field, printable(key), id, cursor.position() - 4, kLastValueType),
        "the file is damaged; download it again");
  }
  return static_cast<ValueType>(id);
}

Error bad_bool(const Cursor& cursor, std::string_view key, uint64_t byte, uint64_t position) {
  return make_error(ErrorCode::kCorrupt, "{}: key '{}': a bool is 0 or 1, not {} (at byte {})",
                    cursor.file(), printable(key), byte, position);
}

Result<Array> read_array(Cursor& cursor, std::string_view key, const Limits& limits) {
  Array array;
  TERN_ASSIGN_OR_RETURN(array.element_type, read_type(cursor, "the element type of array", key));
  if (array.element_type == ValueType::kArray) {
    return make_error(ErrorCode::kUnsupported, "{}: key '{}' is an array of arrays", cursor.file(),
                      printable(key));
  }
  TERN_ASSIGN_OR_RETURN(array.count, cursor.read_u64({"the length of array", key}));
  const bool strings = array.element_type == ValueType::kString;
  const uint64_t element_bytes = strings ? kStringLengthBytes : value_bytes(array.element_type);
  TERN_RETURN_IF_ERROR(cursor.require(array.count, element_bytes, {"array", key}));
  if (array.count > limits.max_array_count) {
    return make_error(ErrorCode::kUnsupported,
                      "{}: array '{}' has {} elements; at most {} are accepted", cursor.file(),
                      printable(key), array.count, limits.max_array_count);
  }
  if (strings) {
    array.strings.reserve(array.count);
    for (uint64_t i = 0; i < array.count; ++i) {
      TERN_ASSIGN_OR_RETURN(std::string text,
                            cursor.read_string(limits.max_string_bytes, {"string", key, i}));
      array.strings.push_back(std::move(text));
    }
    return array;
  }
  const uint64_t begin = cursor.position();
  array.bytes.resize(array.count * element_bytes);
  TERN_RETURN_IF_ERROR(cursor.read(array.bytes, {"array", key}));
  if (array.element_type == ValueType::kBool) {
    const auto bad =
        std::find_if(array.bytes.begin(), array.bytes.end(), [](uint8_t byte) { return byte > 1; });
    if (bad != array.bytes.end()) {
      return bad_bool(cursor, key, *bad, begin + static_cast<uint64_t>(bad - array.bytes.begin()));
    }
  }
  return array;
}

}  // namespace

uint64_t value_bytes(ValueType type) {
  switch (type) {
    case ValueType::kU8:
    case ValueType::kI8:
    case ValueType::kBool:
      return 1;
    case ValueType::kU16:
    case ValueType::kI16:
      return 2;
    case ValueType::kU32:
    case ValueType::kI32:
    case ValueType::kF32:
      return 4;
    case ValueType::kU64:
    case ValueType::kI64:
    case ValueType::kF64:
      return 8;
    case ValueType::kString:
    case ValueType::kArray:
      return 0;
  }
  return 0;
}

Result<Value> read_value(Cursor& cursor, std::string_view key, const Limits& limits) {
  TERN_ASSIGN_OR_RETURN(const ValueType type, read_type(cursor, "the type of key", key));
  const Where where{"the value of key", key};
  if (type == ValueType::kArray) {
    TERN_ASSIGN_OR_RETURN(Array array, read_array(cursor, key, limits));
    return Value{type, std::move(array)};
  }
  if (type == ValueType::kString) {
    TERN_ASSIGN_OR_RETURN(std::string text, cursor.read_string(limits.max_string_bytes, where));
    return Value{type, std::move(text)};
  }
  TERN_ASSIGN_OR_RETURN(const uint64_t bits, cursor.read_uint(value_bytes(type), where));
  switch (type) {
    case ValueType::kI8:
    case ValueType::kI16:
    case ValueType::kI32:
    case ValueType::kI64:
      return Value{type, signed_value(type, bits)};
    case ValueType::kF32:
      return Value{type, static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)))};
    case ValueType::kF64:
      return Value{type, std::bit_cast<double>(bits)};
    case ValueType::kBool:
      if (bits > 1) return bad_bool(cursor, key, bits, cursor.position() - 1);
      return Value{type, bits == 1};
    default:
      return Value{type, bits};
  }
}

uint64_t element_bits(const Array& array, uint64_t i) {
  const uint64_t n_bytes = value_bytes(array.element_type);
  uint64_t bits = 0;
  for (uint64_t b = 0; b < n_bytes; ++b) {
    bits |= uint64_t{array.bytes[i * n_bytes + b]} << (8 * b);
  }
  return bits;
}

int64_t signed_value(ValueType type, uint64_t bits) {
  const uint64_t unused_bits = 64 - 8 * value_bytes(type);
  return static_cast<int64_t>(bits << unused_bits) >> unused_bits;
}

}  // namespace tern::gguf
