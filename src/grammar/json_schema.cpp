#include "grammar/json_schema.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "gguf/text.h"
#include "grammar/json_expressions.h"
#include "grammar/string_pattern.h"
#include "json/json_value.h"

namespace tern::grammar {
namespace {

using gguf::printable;

constexpr size_t kMaxQuotedSchema = 256;  // bytes of the schema in a message
constexpr size_t kMaxRules = 1u << 14;
constexpr int kMaxDepth = 64;                 // of schemas inside schemas, references not counted
constexpr int64_t kMaxSchemaCount = 1 << 16;  // items of an array, characters of a string

// Keywords that would have to be enforced and cannot be.
constexpr std::array kRefused = {"not",
                                 "if",
                                 "then",
                                 "else",
                                 "contains",
                                 "minContains",
                                 "maxContains",
                                 "patternProperties",
                                 "propertyNames",
                                 "minProperties",
                                 "maxProperties",
                                 "dependentRequired",
                                 "dependentSchemas",
                                 "dependencies",
                                 "unevaluatedItems",
                                 "unevaluatedProperties",
                                 "multipleOf",
                                 "$dynamicRef",
                                 "$recursiveRef",
                                 "nullable"};
// Keywords by the type they say something about.
constexpr std::array kObjectWords = {"properties", "required", "additionalProperties"};
constexpr std::array kArrayWords = {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"};
constexpr std::array kStringWords = {"pattern", "minLength", "maxLength", "format"};
constexpr std::array kNumberWords = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};

template <size_t n>
bool has_any(const JsonValue& schema, const std::array<const char*, n>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return schema.has(word); });
}

class Converter {
 public:
  explicit Converter(const JsonValue& root) : root_(root) {}

  Result<Rules> convert() {
    TERN_ASSIGN_OR_RETURN(const uint32_t index, rule_of(root_, "#"));
    (void)index;  // 0: the first
    return std::move(rules_);
  }

 private:
  static Error at(const std::string& where, ErrorCode code, const std::string& what) {
    // Names and texts of the schema may hold what a terminal would act on.
    return make_error(code, "JSON schema, {}: {}", printable(where, kMaxQuotedSchema),
                      printable(what, kMaxQuotedSchema));
  }
  static Error unsupported(const std::string& where, const std::string& what) {
    return with_hint(at(where, ErrorCode::kUnsupported, what + " is not supported"),
                     "leave it out, or say the form as a grammar");
  }

  Result<uint32_t> add_rule(const std::string& name) {
    if (rules_.size() >= kMaxRules) {
      return make_error(ErrorCode::kUnsupported, "JSON schema: more than {} parts", kMaxRules);
    }
    rules_.push_back({name, {}});
    return static_cast<uint32_t>(rules_.size() - 1);
  }

  // A schema that references reach, once however many do.
  Result<uint32_t> rule_of(const JsonValue& schema, const std::string& pointer) {
    const auto known = by_pointer_.find(pointer);
    if (known != by_pointer_.end()) return known->second;
    TERN_ASSIGN_OR_RETURN(const uint32_t index, add_rule(pointer));
    by_pointer_.emplace(pointer, index);
    TERN_ASSIGN_OR_RETURN(Expression body, expression(schema, pointer, 0));
    rules_[index].body = std::move(body);
    return index;
  }

  Result<Expression> reference(const std::string& pointer, const std::string& where) {
    if (pointer.empty() || pointer[0] != '#') {
      return unsupported(where, "the reference " + pointer + " to another document");
    }
    const JsonValue* target = &root_;
    for (size_t begin = 1; begin < pointer.size();) {
      if (pointer[begin] != '/') return unsupported(where, "the reference " + pointer);
      const size_t end = std::min(pointer.find('/', begin + 1), pointer.size());
      const std::string name = unescaped(pointer.substr(begin + 1, end - begin - 1));
      begin = end;
      const JsonValue* next = target->find(name);
      if (const auto* array = target->array()) {
        const bool is_index = !name.empty() && name.size() < 7 &&
                              name.find_first_not_of("0123456789") == std::string::npos;
        const size_t index = is_index ? std::stoul(name) : array->size();
        next = index < array->size() ? &(*array)[index] : nullptr;
      }
      if (next == nullptr) {
        return at(where, ErrorCode::kUsage, "the reference " + pointer + " leads nowhere");
      }
      target = next;
    }
    TERN_ASSIGN_OR_RETURN(const uint32_t index, rule_of(*target, pointer));
    return rule(index);
  }

  // A step of a JSON pointer (RFC 6901).
  static std::string unescaped(const std::string& step) {
    std::string result;
    for (size_t i = 0; i < step.size(); ++i) {
      if (step[i] == '~' && i + 1 < step.size() && (step[i + 1] == '0' || step[i + 1] == '1')) {
        result += step[++i] == '0' ? '~' : '/';
      } else {
        result += step[i];
      }
    }
    return result;
  }

  Result<Expression> expression(const JsonValue& schema, const std::string& where, int depth) {
    if (depth > kMaxDepth) return unsupported(where, "so deep a nesting");
    if (const auto truth = schema.boolean()) {
      if (*truth) return any_value();
      return at(where, ErrorCode::kUsage, "false allows nothing");
    }
    if (schema.object() == nullptr) {
      return at(where, ErrorCode::kUsage, "a schema is an object, true or false");
    }
    for (const char* word : kRefused) {
      if (schema.has(word)) return unsupported(where, std::string("\"") + word + "\"");
    }
    // Each of these says the whole form; beside others it would have to be intersected with them.
    for (const char* word : {"$ref", "const", "enum", "anyOf", "oneOf", "allOf"}) {
      if (!schema.has(word)) continue;
      TERN_RETURN_IF_ERROR(refuse_company(schema, word, where));
      return combined(schema, word, where, depth);
    }
    return typed(schema, where, depth);
  }

  // `type` may stand beside enum and const: their values are of that type or a mistake.
  static Result<void> refuse_company(const JsonValue& schema, const std::string& word,
                                     const std::string& where) {
    for (const auto& entry : *schema.object()) {
      const std::string& name = entry.first;  // no binding: the lambda captures it
      const auto is_named = [&](const char* other) { return name == other; };
      const bool combines = name != word && (name == "$ref" || name == "const" || name == "enum" ||
                                             name == "anyOf" || name == "oneOf" || name == "allOf");
      const bool says_form = std::any_of(kObjectWords.begin(), kObjectWords.end(), is_named) ||
                             std::any_of(kArrayWords.begin(), kArrayWords.end(), is_named) ||
                             std::any_of(kStringWords.begin(), kStringWords.end(), is_named) ||
                             std::any_of(kNumberWords.begin(), kNumberWords.end(), is_named);
      const bool is_other_type = name == "type" && word != "enum" && word != "const";
      if (combines || says_form || is_other_type) {
        return unsupported(where, "\"" + name + "\" beside \"" + word + "\"");
      }
    }
    return {};
  }

  Result<Expression> combined(const JsonValue& schema, const std::string& word,
                              const std::string& where, int depth) {
    const JsonValue* value = schema.find(word);
    if (word == "const") return json_literal(value == nullptr ? JsonValue(nullptr) : *value);
    if (word == "$ref") {
      const std::string* pointer = schema.find_string(word);
      if (pointer == nullptr) return at(where, ErrorCode::kUsage, "$ref is no text");
      return reference(*pointer, where);
    }
    const JsonValue::Array* list = value == nullptr ? nullptr : value->array();
    if (list == nullptr || list->empty()) {
      return at(where, ErrorCode::kUsage, "\"" + word + "\" is no list, or an empty one");
    }
    if (word == "allOf" && list->size() > 1) {
      return unsupported(where, "\"allOf\" of several schemas");
    }
    std::vector<Expression> choices;
    for (size_t i = 0; i < list->size(); ++i) {
      if (word == "enum") {
        choices.push_back(json_literal((*list)[i]));
        continue;
      }
      const std::string inner = fmt::format("{}/{}/{}", where, word, i);
      TERN_ASSIGN_OR_RETURN(Expression one, expression((*list)[i], inner, depth + 1));
      choices.push_back(std::move(one));
    }
    return choice(std::move(choices));
  }

  Result<Expression> typed(const JsonValue& schema, const std::string& where, int depth) {
    std::vector<std::string> types;
    const JsonValue* type = schema.find("type");
    if (type != nullptr && type->string() != nullptr) {
      types.push_back(*type->string());
    } else if (type != nullptr && type->array() != nullptr) {
      for (const JsonValue& one : *type->array()) {
        if (one.string() == nullptr) return at(where, ErrorCode::kUsage, "a type is no text");
        types.push_back(*one.string());
      }
    } else if (type != nullptr) {
      return at(where, ErrorCode::kUsage, "\"type\" is neither a text nor a list");
    } else {
      // JSON Schema would allow all other types as well, which nobody means.
      if (has_any(schema, kObjectWords)) types.push_back("object");
      if (has_any(schema, kArrayWords)) types.push_back("array");
      if (has_any(schema, kStringWords)) types.push_back("string");
      if (has_any(schema, kNumberWords)) types.push_back("number");
      if (types.empty()) return any_value();
    }
    if (types.empty()) return at(where, ErrorCode::kUsage, "\"type\" is an empty list");
    std::vector<Expression> choices;
    for (const std::string& one : types) {
      TERN_ASSIGN_OR_RETURN(Expression body, of_type(schema, one, where, depth));
      choices.push_back(std::move(body));
    }
    return choice(std::move(choices));
  }

  Result<Expression> of_type(const JsonValue& schema, const std::string& type,
                             const std::string& where, int depth) {
    if (type == "object") return object(schema, where, depth);
    if (type == "array") return array(schema, where, depth);
    if (type == "string") return string(schema, where);
    if (type == "integer") return integer(schema, where);
    if (type == "number") return number(schema, where);
    if (type == "boolean") return choice({literal("true"), literal("false")});
    if (type == "null") return literal("null");
    return at(where, ErrorCode::kUsage, "no type is called \"" + type + "\"");
  }

  // Any JSON value, as one rule that all parts share.
  Result<Expression> any_value() {
    if (any_value_) return rule(*any_value_);
    TERN_ASSIGN_OR_RETURN(const uint32_t index, add_rule("any value"));
    any_value_ = index;
    const Expression value = rule(index);
    TERN_ASSIGN_OR_RETURN(Expression object, object_of({}, member(any_string(), value)));
    rules_[index].body = choice({std::move(object), list_of({}, value, 0, Expression::kUnbounded),
                                 json_string(0, Expression::kUnbounded), json_number(),
                                 literal("true"), literal("false"), literal("null")});
    return value;
  }

  // Parts that come again and again are there once.
  Expression shared(const char* name, Expression (*make)()) {
    const auto known = by_pointer_.find(name);
    if (known != by_pointer_.end()) return rule(known->second);
    const auto index = static_cast<uint32_t>(rules_.size());
    rules_.push_back({name, make()});
    by_pointer_.emplace(name, index);
    return rule(index);
  }
  Expression blank() { return shared("blank", json_blank); }
  Expression any_string() {
    return shared("string", [] { return json_string(0, Expression::kUnbounded); });
  }

  // Blanks only where people put them: a model that may put them anywhere does.
  static Expression member(Expression name, Expression value) {
    return sequence({std::move(name), literal(":"), optional(literal(" ")), std::move(value)});
  }
  Expression comma() { return sequence({literal(","), blank()}); }

  Result<Expression> object(const JsonValue& schema, const std::string& where, int depth) {
    const JsonValue* properties = schema.find("properties");
    if (properties != nullptr && properties->object() == nullptr) {
      return at(where, ErrorCode::kUsage, "\"properties\" is no object");
    }
    std::vector<std::string> required;
    if (const JsonValue* list = schema.find("required")) {
      if (list->array() == nullptr) return at(where, ErrorCode::kUsage, "\"required\" is no list");
      for (const JsonValue& name : *list->array()) {
        if (name.string() == nullptr) {
          return at(where, ErrorCode::kUsage, "\"required\" holds something else than names");
        }
        required.push_back(*name.string());
      }
    }
    std::vector<std::string> names;
    std::vector<std::pair<uint32_t, bool>> members;
    if (properties != nullptr) {
      for (const auto& [name, value] : *properties->object()) {
        const std::string inner = where + "/properties/" + name;
        TERN_ASSIGN_OR_RETURN(Expression body, expression(value, inner, depth + 1));
        TERN_ASSIGN_OR_RETURN(const uint32_t index, add_rule(inner));
        rules_[index].body = member(json_literal(JsonValue(name)), std::move(body));
        const auto found = std::find(required.begin(), required.end(), name);
        members.emplace_back(index, found != required.end());
        if (found != required.end()) required.erase(found);
        names.push_back(name);
      }
    }
    for (const std::string& name : required) {
      TERN_ASSIGN_OR_RETURN(const Expression value, any_value());
      TERN_ASSIGN_OR_RETURN(const uint32_t index, add_rule(where + "/required/" + name));
      rules_[index].body = member(json_literal(JsonValue(name)), value);
      members.emplace_back(index, true);
      names.push_back(name);
    }
    TERN_ASSIGN_OR_RETURN(const auto other, other_members(schema, names, where, depth));
    return object_of(members, other);
  }

  // Members besides the named ones, if there may be any.
  Result<std::optional<Expression>> other_members(const JsonValue& schema,
                                                  const std::vector<std::string>& names,
                                                  const std::string& where, int depth) {
    const JsonValue* additional = schema.find("additionalProperties");
    const bool is_open =
        additional == nullptr ? names.empty() : additional->boolean().value_or(true);
    if (!is_open) return std::optional<Expression>();
    Expression value;
    if (additional == nullptr || additional->is_bool()) {
      TERN_ASSIGN_OR_RETURN(value, any_value());
    } else {
      const std::string inner = where + "/additionalProperties";
      TERN_ASSIGN_OR_RETURN(value, expression(*additional, inner, depth + 1));
    }
    TERN_ASSIGN_OR_RETURN(const uint32_t index, add_rule(where + "/other"));
    rules_[index].body =
        member(sequence({literal("\""), json_string_other_than(names)}), std::move(value));
    return std::optional(rule(index));
  }

  // { members in order, those that are not required or not, then any number of `other` }. What
  // follows a member is a rule, so that n of them take n times as much and not 2^n.
  Result<Expression> object_of(const std::vector<std::pair<uint32_t, bool>>& members,
                               const std::optional<Expression>& other) {
    // From the back: what may follow when nothing is there yet, and when something is.
    Expression first = empty_text();
    Expression later = empty_text();
    if (other) {
      later = repeat(sequence({comma(), *other}), 0, Expression::kUnbounded);
      first = optional(sequence({*other, later}));
    }
    for (size_t i = members.size(); i-- > 0;) {
      const auto [index, is_required] = members[i];
      TERN_ASSIGN_OR_RETURN(const uint32_t tail, add_rule("tail"));
      rules_[tail].body = std::move(later);
      Expression with_first = sequence({rule(index), rule(tail)});
      Expression with_later = sequence({comma(), rule(index), rule(tail)});
      if (is_required) {
        first = std::move(with_first);
        later = std::move(with_later);
      } else {
        TERN_ASSIGN_OR_RETURN(const uint32_t rest, add_rule("rest"));
        rules_[rest].body = std::move(first);
        first = choice({std::move(with_first), rule(rest)});
        later = choice({std::move(with_later), rule(tail)});
      }
    }
    return sequence({literal("{"), blank(), std::move(first), blank(), literal("}")});
  }

  Result<std::optional<int64_t>> count(const JsonValue& schema, const char* word,
                                       const std::string& where) {
    const JsonValue* value = schema.find(word);
    if (value == nullptr) return std::optional<int64_t>();
    const auto number = value->integer();
    if (!number || *number < 0) {
      return at(where, ErrorCode::kUsage, std::string("\"") + word + "\" is no natural number");
    }
    if (*number > kMaxSchemaCount) {
      return unsupported(where, fmt::format("\"{}\" above {}", word, kMaxSchemaCount));
    }
    return number;
  }

  // min and max of a pair of keywords.
  Result<std::pair<uint32_t, uint32_t>> counts(const JsonValue& schema, const char* min_word,
                                               const char* max_word, const std::string& where) {
    TERN_ASSIGN_OR_RETURN(const auto min, count(schema, min_word, where));
    TERN_ASSIGN_OR_RETURN(const auto max, count(schema, max_word, where));
    if (min && max && *min > *max) {
      return at(where, ErrorCode::kUsage,
                fmt::format("\"{}\" is above \"{}\"", min_word, max_word));
    }
    return std::pair(static_cast<uint32_t>(min.value_or(0)),
                     max ? static_cast<uint32_t>(*max) : Expression::kUnbounded);
  }

  // [ first ones one by one, then `others` if there may be any ]: min to max in all.
  Expression list_of(const std::vector<Expression>& first, const std::optional<Expression>& others,
                     uint32_t min, uint32_t max) {
    const auto n_first = static_cast<uint32_t>(first.size());
    Expression items = empty_text();
    if (others && max > n_first) {
      const uint32_t least = min > n_first ? min - n_first : 0;
      const uint32_t most = max == Expression::kUnbounded ? max : max - n_first;
      const Expression more = sequence({comma(), *others});
      if (n_first > 0) {
        items = repeat(more, least, most);
      } else {
        const uint32_t least_more = least > 0 ? least - 1 : 0;
        const uint32_t most_more = most == Expression::kUnbounded ? most : most - 1;
        items = sequence({*others, repeat(more, least_more, most_more)});
        if (least == 0) items = optional(std::move(items));
      }
    }
    for (uint32_t i = n_first; i-- > 0;) {
      if (i >= max) continue;
      Expression here = first[i];
      if (i > 0) here = sequence({comma(), std::move(here)});
      items = sequence({std::move(here), std::move(items)});
      if (i >= min) items = optional(std::move(items));
    }
    return sequence({literal("["), blank(), std::move(items), blank(), literal("]")});
  }

  Result<Expression> array(const JsonValue& schema, const std::string& where, int depth) {
    if (schema.find_bool("uniqueItems", false)) return unsupported(where, "\"uniqueItems\"");
    TERN_ASSIGN_OR_RETURN(const auto bounds, counts(schema, "minItems", "maxItems", where));
    std::vector<Expression> first;
    if (const JsonValue* prefix = schema.find("prefixItems")) {
      if (prefix->array() == nullptr) {
        return at(where, ErrorCode::kUsage, "\"prefixItems\" is no list");
      }
      for (size_t i = 0; i < prefix->array()->size(); ++i) {
        const std::string inner = fmt::format("{}/prefixItems/{}", where, i);
        TERN_ASSIGN_OR_RETURN(Expression item, expression((*prefix->array())[i], inner, depth + 1));
        first.push_back(std::move(item));
      }
    }
    std::optional<Expression> others;
    const JsonValue* items = schema.find("items");
    if (items != nullptr && items->array() != nullptr) {
      return unsupported(where, "\"items\" as a list (now \"prefixItems\")");
    }
    // With a prefix and nothing said of what follows it, nothing follows.
    const bool is_open = items == nullptr ? first.empty() : items->boolean().value_or(true);
    if (is_open) {
      if (items == nullptr) {
        TERN_ASSIGN_OR_RETURN(others, any_value());
      } else {
        TERN_ASSIGN_OR_RETURN(others, expression(*items, where + "/items", depth + 1));
      }
    } else if (bounds.first > first.size()) {
      return at(where, ErrorCode::kUsage, "\"minItems\" is above the items there may be");
    }
    return list_of(first, others, bounds.first, bounds.second);
  }

  Result<Expression> string(const JsonValue& schema, const std::string& where) {
    const bool has_length = schema.has("minLength") || schema.has("maxLength");
    if (const std::string* pattern = schema.find_string("pattern")) {
      if (has_length || schema.has("format")) {
        return unsupported(where, "\"pattern\" beside a length or a format");
      }
      auto body = string_with_pattern(*pattern);
      if (!body) {
        return with_context(std::move(body).error(),
                            "JSON schema, " + printable(where, kMaxQuotedSchema));
      }
      return body;
    }
    if (const std::string* format = schema.find_string("format")) {
      if (has_length) return unsupported(where, "\"format\" beside a length");
      return formatted(*format, where);
    }
    for (const char* word : {"pattern", "format"}) {
      if (schema.has(word)) {
        return at(where, ErrorCode::kUsage, std::string("\"") + word + "\" is no text");
      }
    }
    TERN_ASSIGN_OR_RETURN(const auto bounds, counts(schema, "minLength", "maxLength", where));
    if (bounds.first == 0 && bounds.second == Expression::kUnbounded) return any_string();
    return json_string(bounds.first, bounds.second);
  }

  static Result<Expression> formatted(const std::string& format, const std::string& where) {
    static const std::string kDate = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
    static const std::string kTime =
        "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?"
        "(Z|[+\\-]([01][0-9]|2[0-3]):[0-5][0-9])";
    if (format == "date") return string_with_pattern("^" + kDate + "$");
    if (format == "time") return string_with_pattern("^" + kTime + "$");
    if (format == "date-time") return string_with_pattern("^" + kDate + "T" + kTime + "$");
    if (format == "uuid") {
      return string_with_pattern("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$");
    }
    return unsupported(where, "the format \"" + format + "\"");
  }

  Result<std::optional<int64_t>> bound(const JsonValue& schema, const char* word,
                                       const std::string& where) {
    const JsonValue* value = schema.find(word);
    if (value == nullptr) return std::optional<int64_t>();
    const auto number = value->integer();
    if (!number) return unsupported(where, std::string("\"") + word + "\" that is no integer");
    return number;
  }

  Result<Expression> integer(const JsonValue& schema, const std::string& where) {
    if (!has_any(schema, kNumberWords)) return json_integer();
    TERN_ASSIGN_OR_RETURN(auto min, bound(schema, "minimum", where));
    TERN_ASSIGN_OR_RETURN(auto max, bound(schema, "maximum", where));
    TERN_ASSIGN_OR_RETURN(const auto above, bound(schema, "exclusiveMinimum", where));
    TERN_ASSIGN_OR_RETURN(const auto below, bound(schema, "exclusiveMaximum", where));
    if (above == INT64_MAX || below == INT64_MIN) {
      return at(where, ErrorCode::kUsage, "no integer is within the bounds");
    }
    if (above) min = std::max(min.value_or(INT64_MIN), *above + 1);
    if (below) max = std::min(max.value_or(INT64_MAX), *below - 1);
    if (min && max && *min > *max) {
      return at(where, ErrorCode::kUsage, "no integer is within the bounds");
    }
    return json_integer_between(min, max);
  }

  static Result<Expression> number(const JsonValue& schema, const std::string& where) {
    for (const char* word : kNumberWords) {
      if (schema.has(word)) {
        return unsupported(where, std::string("\"") + word + "\" of a number that is no integer");
      }
    }
    return json_number();
  }

  const JsonValue& root_;
  Rules rules_;
  std::map<std::string, uint32_t> by_pointer_;
  std::optional<uint32_t> any_value_;
};

}  // namespace

Result<Rules> json_schema_rules(std::string_view json) {
  TERN_ASSIGN_OR_RETURN(const JsonValue root, parse_json(json, "the JSON schema"));
  return Converter(root).convert();
}

}  // namespace tern::grammar
