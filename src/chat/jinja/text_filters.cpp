// Filters that give texts.
#include <algorithm>
#include <array>

#include "chat/jinja/bind.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/iterate.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "chat/jinja/runtime.h"
#include "chat/jinja/text_functions.h"

namespace tern::jinja {
namespace {

// The value as text, as most filters of Jinja take it.
Result<Text> soft_text(Runtime& runtime, const Value& value) {
  TERN_RETURN_IF_ERROR(refuse_markup(value));
  TERN_RETURN_IF_ERROR(runtime.budget().step());
  return to_text(runtime.budget(), value);
}

template <CaseChange change>
Result<Value> case_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("case filter", arguments, {}));
  TERN_ASSIGN_OR_RETURN(const Text text, soft_text(runtime, value));
  TERN_ASSIGN_OR_RETURN(Text changed, change_case(text, change));
  return make_string(runtime.budget(), std::move(changed));
}

Result<Value> trim_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("trim", arguments, {"chars"}));
  TERN_ASSIGN_OR_RETURN(const auto chars, bound.text_or_none(0));
  TERN_ASSIGN_OR_RETURN(const Text text, soft_text(runtime, value));
  if (chars) TERN_RETURN_IF_ERROR(runtime.budget().step(text.size() / 16 * chars->size()));
  return make_string(runtime.budget(), strip(text, Side::kBoth, chars));
}

Result<Value> replace_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("replace", arguments, {"old", "new", "count"}, 2));
  TERN_ASSIGN_OR_RETURN(const Text text, soft_text(runtime, value));
  TERN_ASSIGN_OR_RETURN(const Text old, soft_text(runtime, bound[0]));
  TERN_ASSIGN_OR_RETURN(const Text by, soft_text(runtime, bound[1]));
  int64_t count = -1;
  if (bound.has(2) && !bound[2].is_none()) {
    TERN_ASSIGN_OR_RETURN(count, bound.integer_or(2, -1));
  }
  TERN_ASSIGN_OR_RETURN(Text out, replace(runtime.budget(), text, old, by, count));
  return Value::string(std::move(out));
}

Result<Value> string_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("string", arguments, {}));
  if (value.is_string()) return value;
  TERN_ASSIGN_OR_RETURN(Text text, soft_text(runtime, value));
  return Value::string(std::move(text));
}

Result<Value> join_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("join", arguments, {"d", "attribute"}));
  Text separator;
  if (bound.has(0)) {
    TERN_ASSIGN_OR_RETURN(separator, soft_text(runtime, bound[0]));
  }
  TERN_ASSIGN_OR_RETURN(const Value::Items items, items_of(runtime.budget(), value));
  const bool by_attribute = bound.has(1) && !bound[1].is_none();
  Text out;
  for (size_t i = 0; i < items.size(); ++i) {
    Value item = items[i];
    if (by_attribute) {
      TERN_ASSIGN_OR_RETURN(item, follow_path(runtime, item, bound[1]));
    }
    TERN_ASSIGN_OR_RETURN(const Text text, to_text(runtime.budget(), item));
    TERN_RETURN_IF_ERROR(runtime.budget().allocate(separator.size() + text.size()));
    if (i > 0) out.append(separator);
    out.append(text);
  }
  return make_string(runtime.budget(), std::move(out));
}

Result<Value> indent_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("indent", arguments, {"width", "first", "blank"}));
  TERN_RETURN_IF_ERROR(refuse_markup(value));
  if (!value.is_string()) {
    if (value.is_undefined()) return template_error("{}", value.undefined_message());
    return template_error("indent() takes a text, not a '{}'", value.type_name());
  }
  Text text = value.as_text();
  Budget& budget = runtime.budget();
  Text margin;
  if (bound.has(0) && bound[0].is_string()) {
    margin = bound[0].as_text();
  } else {
    TERN_ASSIGN_OR_RETURN(const int64_t width, bound.integer_or(0, 4));
    TERN_RETURN_IF_ERROR(budget.allocate(static_cast<size_t>(std::max<int64_t>(width, 0))));
    margin.append(std::string(static_cast<size_t>(std::max<int64_t>(width, 0)), ' '),
                  Origin::kTemplate);
  }
  TERN_ASSIGN_OR_RETURN(const bool first, bound.truth_or(1, false));
  TERN_ASSIGN_OR_RETURN(const bool blank, bound.truth_or(2, false));
  text.append("\n", Origin::kTemplate);
  TERN_ASSIGN_OR_RETURN(const std::vector<Text> lines, split_lines(budget, text, false));
  Text out;
  if (first) out.append(margin);
  for (size_t i = 0; i < lines.size(); ++i) {
    TERN_RETURN_IF_ERROR(budget.allocate(margin.size() + lines[i].size() + 1));
    if (i > 0) {
      out.append("\n", Origin::kTemplate);
      if (blank || !lines[i].empty()) out.append(margin);
    }
    out.append(lines[i]);
  }
  return make_string(budget, std::move(out));
}

Result<Value> tojson_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(
      const Bound bound,
      bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  TERN_ASSIGN_OR_RETURN(style.ensure_ascii, bound.truth_or(0, false));
  if (bound.has(1) && !bound[1].is_none()) {
    style.item_separator = ",";
    if (bound[1].is_string()) {
      style.indent = bound[1].as_bytes();
    } else {
      TERN_ASSIGN_OR_RETURN(const int64_t width, bound.integer_or(1, 0));
      constexpr int64_t kMaxIndent = 64;
      if (width > kMaxIndent) return unsupported("an indent of more than {}", kMaxIndent);
      style.indent = std::string(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
    }
  }
  if (bound.has(2) && !bound[2].is_none()) {
    TERN_ASSIGN_OR_RETURN(const Value::Items pair, items_of(runtime.budget(), bound[2]));
    if (pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) {
      return template_error("'separators' of tojson() must be two texts");
    }
    style.item_separator = pair[0].as_bytes();
    style.key_separator = pair[1].as_bytes();
  }
  TERN_ASSIGN_OR_RETURN(style.sort_keys, bound.truth_or(3, false));
  TERN_ASSIGN_OR_RETURN(Text json, to_json(runtime.budget(), value, style));
  return make_string(runtime.budget(), std::move(json));
}

Result<Value> safe_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("safe", arguments, {}));
  TERN_ASSIGN_OR_RETURN(Text text, to_text(runtime.budget(), value));
  return Value::markup(std::move(text));
}

Result<Value> escape_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("escape", arguments, {}));
  if (value.is_markup()) return value;
  TERN_ASSIGN_OR_RETURN(const Text text, to_text(runtime.budget(), value));
  Text out;
  TERN_RETURN_IF_ERROR(runtime.budget().allocate(text.size() * 5));
  for (size_t pos = 0; pos < text.size(); ++pos) {
    const char c = text.bytes()[pos];
    const std::string_view entity = c == '&'    ? "&amp;"
                                    : c == '<'  ? "&lt;"
                                    : c == '>'  ? "&gt;"
                                    : c == '"'  ? "&#34;"
                                    : c == '\'' ? "&#39;"
                                                : std::string_view(&c, 1);
    out.append(entity, text.origin_at(pos));
  }
  return Value::markup(std::move(out));
}

constexpr std::array kTextFilters = {
    Filter{"capitalize", case_filter<CaseChange::kCapitalize>},
    Filter{"e", escape_filter},
    Filter{"escape", escape_filter},
    Filter{"indent", indent_filter},
    Filter{"join", join_filter},
    Filter{"lower", case_filter<CaseChange::kLower>},
    Filter{"replace", replace_filter},
    Filter{"safe", safe_filter},
    Filter{"string", string_filter},
    Filter{"title", case_filter<CaseChange::kTemplateTitle>},
    Filter{"tojson", tojson_filter},
    Filter{"trim", trim_filter},
    Filter{"upper", case_filter<CaseChange::kUpper>},
};

}  // namespace

std::span<const Filter> text_filters() { return kTextFilters; }

}  // namespace tern::jinja
