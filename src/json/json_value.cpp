#include "json/json_value.h"

#include <algorithm>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>

#include "base/byte_source.h"
#include "base/result.h"
#include "gguf/text.h"

namespace tern {
namespace {

using gguf::printable;

constexpr size_t kMaxDepth = 64;

// Builds a JsonValue from the parser's events; false stops the parser.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add(JsonValue()); }
  bool boolean(bool value) override { return add(JsonValue(value)); }
  bool number_integer(number_integer_t value) override {
    return add(JsonValue(static_cast<int64_t>(value)));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return add(JsonValue(static_cast<double>(value)));
    }
    return add(JsonValue(static_cast<int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t&) override {
    return add(JsonValue(static_cast<double>(value)));
  }
  bool string(string_t& value) override { return add(JsonValue(std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(JsonValue(JsonValue::Object())); }
  bool start_array(std::size_t) override { return open(JsonValue(JsonValue::Array())); }
  bool key(string_t& name) override {
    keys_.back() = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    message_ = fmt::format("at byte {}: {}", position, printable(error.what(), 256));
    return false;
  }

  std::string message_;
  JsonValue root_;

 private:
  bool add(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (JsonValue::Array* array = open_.back().array()) {
      array->push_back(std::move(value));
    } else {
      open_.back().object()->emplace_back(std::move(keys_.back()), std::move(value));
    }
    return true;
  }

  bool open(JsonValue value) {
    if (open_.size() == kMaxDepth) {
      message_ = fmt::format("nested deeper than {} levels", kMaxDepth);
      return false;
    }
    open_.push_back(std::move(value));
    keys_.emplace_back();
    return true;
  }

  bool close() {
    JsonValue value = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    return add(std::move(value));
  }

  std::vector<JsonValue> open_;    // arrays and objects begun and not ended
  std::vector<std::string> keys_;  // name of the next member of each
};

}  // namespace

std::optional<bool> JsonValue::boolean() const {
  if (const bool* value = std::get_if<bool>(&data_)) return *value;
  return std::nullopt;
}

std::optional<int64_t> JsonValue::integer() const {
  if (const int64_t* value = std::get_if<int64_t>(&data_)) return *value;
  return std::nullopt;
}

std::optional<double> JsonValue::number() const {
  if (const int64_t* value = std::get_if<int64_t>(&data_)) return static_cast<double>(*value);
  if (const double* value = std::get_if<double>(&data_)) return *value;
  return std::nullopt;
}

const JsonValue* JsonValue::find(std::string_view name) const {
  const Object* members = object();
  if (members == nullptr) return nullptr;
  for (const auto& [key, value] : *members) {
    if (key == name) return value.is_null() ? nullptr : &value;
  }
  return nullptr;
}

bool JsonValue::has(std::string_view name) const {
  const Object* members = object();
  return members != nullptr &&
         std::any_of(members->begin(), members->end(),
                     [&](const auto& member) { return member.first == name; });
}

const std::string* JsonValue::find_string(std::string_view name) const {
  const JsonValue* member = find(name);
  return member == nullptr ? nullptr : member->string();
}

bool JsonValue::find_bool(std::string_view name, bool fallback) const {
  const JsonValue* member = find(name);
  return member == nullptr ? fallback : member->boolean().value_or(fallback);
}

Result<JsonValue> parse_json(std::string_view text, const std::string& where) {
  try {
    Builder builder;
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
      return with_hint(
          make_error(ErrorCode::kCorrupt, "{}: not valid JSON: {}", where,
                     builder.message_.empty() ? "unexpected content" : builder.message_),
          "the file is truncated or damaged; download it again");
    }
    return std::move(builder.root_);
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "{}: no memory to parse {} bytes of JSON", where,
                      text.size());
  } catch (const std::exception& error) {
    return make_error(ErrorCode::kCorrupt, "{}: not valid JSON: {}", where,
                      printable(error.what(), 256));
  }
}

Result<JsonValue> parse_json_file(const std::string& path) {
  TERN_ASSIGN_OR_RETURN(const std::shared_ptr<const ByteSource> source, open_file_source(path));
  TERN_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, read_all(*source, kMaxJsonBytes));
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

}  // namespace tern
