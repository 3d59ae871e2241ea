// JSON from strangers as a plain value: the only place of src/ below the server that knows the JSON
// library. A value; threads may share a const one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tern/error.h"

namespace tern {

class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  using Object = std::vector<std::pair<std::string, JsonValue>>;  // in the order of the file

  JsonValue() = default;
  template <typename T>
  explicit JsonValue(T value) : data_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }

  // Nothing where the value is of another type.
  const std::string* string() const { return std::get_if<std::string>(&data_); }
  const Array* array() const { return std::get_if<Array>(&data_); }
  const Object* object() const { return std::get_if<Object>(&data_); }
  std::optional<bool> boolean() const;
  std::optional<int64_t> integer() const;
  std::optional<double> number() const;

  Array* array() { return std::get_if<Array>(&data_); }
  Object* object() { return std::get_if<Object>(&data_); }

  /// The member of that name; nothing where it is absent, null, or this is no object. Linear in the
  /// number of members.
  const JsonValue* find(std::string_view name) const;
  /// Whether there is a member of that name, null or not.
  bool has(std::string_view name) const;
  /// The member's text; nothing where it is absent or no string.
  const std::string* find_string(std::string_view name) const;
  /// The member's truth; `fallback` where it is absent or no boolean.
  bool find_bool(std::string_view name, bool fallback) const;

 private:
  std::variant<std::nullptr_t, bool, int64_t, double, std::string, Array, Object> data_;
};

/// Parses one JSON text. kCorrupt, with the position, for what is none or is nested deeper than 64
/// levels; `where` names the file. Members named twice are kept; find() gives the first.
Result<JsonValue> parse_json(std::string_view text, const std::string& where);

/// Reads and parses a file of at most kMaxJsonBytes. kNotFound, kUnsupported, kCorrupt,
/// kOutOfMemory.
constexpr uint64_t kMaxJsonBytes = uint64_t{64} << 20;
Result<JsonValue> parse_json_file(const std::string& path);

}  // namespace tern
