#include "chat/json_input.h"

#include <cmath>

#include "base/result.h"

namespace tern::chat {

using jinja::Value;

Result<Value> to_template_value(const JsonValue& json, jinja::Origin origin) {
  if (json.is_null()) return Value::none();
  if (const auto truth = json.boolean()) return Value::boolean(*truth);
  if (const auto integer = json.integer()) return Value::integer(*integer);
  if (const auto real = json.number()) {
    // Integers beyond 64 bits arrive as floats; Python would show all their digits.
    constexpr double kTwo63 = 9223372036854775808.0;
    if (std::fabs(*real) >= kTwo63) {
      return make_error(ErrorCode::kUnsupported, "the number {} is too large for a template",
                        *real);
    }
    return Value::real(*real);
  }
  if (const std::string* text = json.string()) return Value::string(*text, origin);
  if (const JsonValue::Array* array = json.array()) {
    Value::Items items;
    items.reserve(array->size());
    for (const JsonValue& element : *array) {
      TERN_ASSIGN_OR_RETURN(Value item, to_template_value(element, origin));
      items.push_back(std::move(item));
    }
    return Value::list(std::move(items));
  }
  Value::Entries entries;
  for (const auto& [name, member] : *json.object()) {
    TERN_ASSIGN_OR_RETURN(Value value, to_template_value(member, origin));
    entries.emplace_back(Value::string(name, origin), std::move(value));
  }
  return Value::dict(std::move(entries));
}

Result<Value> parse_template_value(std::string_view text, const std::string& where,
                                   jinja::Origin origin) {
  TERN_ASSIGN_OR_RETURN(const JsonValue json, parse_json(text, where));
  Result<Value> value = to_template_value(json, origin);
  if (!value) return with_context(std::move(value).error(), where);
  return value;
}

}  // namespace tern::chat
