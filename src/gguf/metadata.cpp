#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "base/checked_math.h"
#include "base/result.h"
#include "gguf/reader.h"
#include "gguf/text.h"
#include "gguf/value.h"

namespace tern::gguf {
namespace {

constexpr const char* kKeyHint =
    "the converter that wrote the file did it wrong, or the file is damaged; get another one";

/// "u32", "array of string".
std::string type_of(const Value& value) {
  if (const auto* array = std::get_if<Array>(&value.data)) {
    return fmt::format("array of {}", value_type_name(array->element_type));
  }
  return value_type_name(value.type);
}

bool is_unsigned(ValueType type) {
  return type == ValueType::kU8 || type == ValueType::kU16 || type == ValueType::kU32 ||
         type == ValueType::kU64;
}

bool is_signed(ValueType type) {
  return type == ValueType::kI8 || type == ValueType::kI16 || type == ValueType::kI32 ||
         type == ValueType::kI64;
}

}  // namespace

const char* value_type_name(ValueType type) {
  switch (type) {
    case ValueType::kU8:
      return "u8";
    case ValueType::kI8:
      return "i8";
    case ValueType::kU16:
      return "u16";
    case ValueType::kI16:
      return "i16";
    case ValueType::kU32:
      return "u32";
    case ValueType::kI32:
      return "i32";
    case ValueType::kF32:
      return "f32";
    case ValueType::kBool:
      return "bool";
    case ValueType::kString:
      return "string";
    case ValueType::kArray:
      return "array";
    case ValueType::kU64:
      return "u64";
    case ValueType::kI64:
      return "i64";
    case ValueType::kF64:
      return "f64";
  }
  return "unknown";
}

const Value* Metadata::find(std::string_view key) const {
  const auto it = index_.find(key);
  return it == index_.end() ? nullptr : &entries_[it->second].second;
}

Result<void> Metadata::add(std::string key, Value value) {
  const auto [it, inserted] = index_.try_emplace(key, entries_.size());
  if (!inserted) {
    return with_hint(
        make_error(ErrorCode::kCorrupt, "{}: key '{}' occurs twice", context_, printable(key)),
        kKeyHint);
  }
  entries_.emplace_back(std::move(key), std::move(value));
  return {};
}

Error Metadata::missing(std::string_view key) const {
  return with_hint(
      make_error(ErrorCode::kCorrupt, "{}: key '{}' is missing", context_, printable(key)),
      kKeyHint);
}

Error Metadata::wrong_type(std::string_view key, const Value& value,
                           std::string_view expected) const {
  return with_hint(make_error(ErrorCode::kCorrupt, "{}: key '{}' is {}, expected {}", context_,
                              printable(key), type_of(value), expected),
                   kKeyHint);
}

Error Metadata::bad_value(std::string_view key, std::string_view found,
                          std::string_view expected) const {
  return with_hint(make_error(ErrorCode::kCorrupt, "{}: key '{}' is {}, expected {}", context_,
                              printable(key), found, expected),
                   kKeyHint);
}

Result<uint64_t> Metadata::get_uint(std::string_view key) const {
  constexpr std::string_view kExpected = "a non-negative integer";
  const Value* value = find(key);
  if (value == nullptr) return missing(key);
  if (const auto* u = std::get_if<uint64_t>(&value->data)) return *u;
  const auto* i = std::get_if<int64_t>(&value->data);
  if (i == nullptr) return wrong_type(key, *value, kExpected);
  if (*i < 0) return bad_value(key, fmt::format("{}", *i), kExpected);
  return static_cast<uint64_t>(*i);
}

Result<uint64_t> Metadata::get_uint_or(std::string_view key, uint64_t fallback) const {
  if (!has(key)) return fallback;
  return get_uint(key);
}

Result<double> Metadata::get_float(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return missing(key);
  if (const auto* u = std::get_if<uint64_t>(&value->data)) return static_cast<double>(*u);
  if (const auto* i = std::get_if<int64_t>(&value->data)) return static_cast<double>(*i);
  const auto* f = std::get_if<double>(&value->data);
  if (f == nullptr) return wrong_type(key, *value, "a number");
  if (!std::isfinite(*f)) return bad_value(key, fmt::format("{}", *f), "a finite number");
  return *f;
}

Result<double> Metadata::get_float_or(std::string_view key, double fallback) const {
  if (!has(key)) return fallback;
  return get_float(key);
}

Result<bool> Metadata::get_bool_or(std::string_view key, bool fallback) const {
  const Value* value = find(key);
  if (value == nullptr) return fallback;
  if (const auto* b = std::get_if<bool>(&value->data)) return *b;
  return wrong_type(key, *value, "bool");
}

Result<std::string> Metadata::get_string(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return missing(key);
  if (const auto* text = std::get_if<std::string>(&value->data)) return *text;
  return wrong_type(key, *value, "string");
}

Result<std::string> Metadata::get_string_or(std::string_view key, std::string fallback) const {
  if (!has(key)) return fallback;
  return get_string(key);
}

Result<const std::vector<std::string>*> Metadata::get_string_array(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return missing(key);
  const auto* array = std::get_if<Array>(&value->data);
  if (array == nullptr || array->element_type != ValueType::kString) {
    return wrong_type(key, *value, "array of string");
  }
  return &array->strings;
}

Result<std::vector<int64_t>> Metadata::get_int_array(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return missing(key);
  const auto* array = std::get_if<Array>(&value->data);
  if (array == nullptr || (!is_signed(array->element_type) && !is_unsigned(array->element_type))) {
    return wrong_type(key, *value, "array of integers");
  }
  std::vector<int64_t> out(array->count);
  for (uint64_t i = 0; i < array->count; ++i) {
    const uint64_t bits = element_bits(*array, i);
    if (is_signed(array->element_type)) {
      out[i] = signed_value(array->element_type, bits);
    } else if (bits <= kMaxInt64) {
      out[i] = static_cast<int64_t>(bits);
    } else {
      return bad_value(key, fmt::format("{} at index {}", bits, i),
                       fmt::format("at most {}", kMaxInt64));
    }
  }
  return out;
}

Result<std::vector<float>> Metadata::get_float_array(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return missing(key);
  const auto* array = std::get_if<Array>(&value->data);
  if (array == nullptr ||
      (array->element_type != ValueType::kF32 && array->element_type != ValueType::kF64)) {
    return wrong_type(key, *value, "array of f32 or f64");
  }
  std::vector<float> out(array->count);
  for (uint64_t i = 0; i < array->count; ++i) {
    const uint64_t bits = element_bits(*array, i);
    const double number =
        array->element_type == ValueType::kF64
            ? std::bit_cast<double>(bits)
            : static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    // Also refuses what is finite as f64 only. NaN fails the comparison.
    if (!(std::abs(number) <= static_cast<double>(std::numeric_limits<float>::max()))) {
      return bad_value(key, fmt::format("{} at index {}", number, i), "finite f32 values");
    }
    out[i] = static_cast<float>(number);
  }
  return out;
}

}  // namespace tern::gguf
