// Attributes, items and slices.
#include <algorithm>

#include "chat/jinja/characters.h"
#include "chat/jinja/errors.h"
#include "chat/jinja/iterate.h"
#include "chat/jinja/print.h"
#include "chat/jinja/registries.h"
#include "chat/jinja/runtime.h"
#include "gguf/text.h"

namespace tern::jinja {
namespace {

Value missing(const Value& value, std::string_view name) {
  const std::string owner =
      value.is_none() ? "None" : fmt::format("'{} object'", value.type_name());
  return Value::undefined(fmt::format("{} has no attribute '{}'", owner, gguf::printable(name)));
}

Value missing_item(const Value& value, const Value& key) {
  if (key.is_string()) return missing(value, key.as_bytes());
  const std::string shown =
      key.is_integer() ? std::to_string(key.as_integer()) : fmt::format("a '{}'", key.type_name());
  return Value::undefined(fmt::format("{} object has no element {}", value.type_name(), shown));
}

// The item, or nothing where Python raises.
Result<std::optional<Value>> find_item(Budget& budget, const Value& value, const Value& key) {
  using Found = std::optional<Value>;
  if (value.is_dict()) {
    TERN_RETURN_IF_ERROR(budget.step(value.as_dict().find_steps(key)));
    const Value* found = key.is_key() ? value.as_dict().find(key) : nullptr;
    return found == nullptr ? Found() : Found(*found);
  }
  const auto number = key.as_number();
  if (!number || number->is_float) return Found();
  int64_t index = number->integer;
  if (value.is_string()) {
    const Text& text = value.as_text();
    TERN_RETURN_IF_ERROR(budget.walk(text.size()));
    if (index < 0) index += static_cast<int64_t>(count_chars(text.bytes()));
    if (index < 0) return Found();
    const size_t begin = byte_of_char(text.bytes(), static_cast<size_t>(index));
    if (begin >= text.size()) return Found();
    return Found(Value::string(text.slice(begin, begin + char_size(text.bytes(), begin))));
  }
  const Sequence* sequence = value.as_sequence();
  if (sequence == nullptr || !sequence->is_indexable()) return Found();
  const auto size = static_cast<int64_t>(sequence->items.size());
  if (index < 0) index += size;
  if (index < 0 || index >= size) return Found();
  return Found(sequence->items[static_cast<size_t>(index)]);
}

// Python's attribute, or nothing. Names that Jinja's sandbox hides are undefined.
Result<std::optional<Value>> find_attribute(const Value& value, std::string_view name) {
  if (name.starts_with('_')) return std::optional<Value>();
  if (const Object* object = value.as_object()) return object->attribute(name);
  return find_method(value, name);
}

struct SliceRange {
  int64_t start;
  int64_t stop;
  int64_t step;
};

Result<std::optional<int64_t>> slice_bound(const Value& value) {
  if (value.is_none()) return std::optional<int64_t>();
  const auto number = value.as_number();
  if (!number || number->is_float) {
    if (value.is_undefined()) return template_error("{}", value.undefined_message());
    return template_error("a slice needs integers, not '{}'", value.type_name());
  }
  return std::optional<int64_t>(number->integer);
}

// As PySlice_AdjustIndices.
Result<SliceRange> slice_range(int64_t size, const Value& start, const Value& stop,
                               const Value& step) {
  TERN_ASSIGN_OR_RETURN(const auto given_step, slice_bound(step));
  TERN_ASSIGN_OR_RETURN(const auto given_start, slice_bound(start));
  TERN_ASSIGN_OR_RETURN(const auto given_stop, slice_bound(stop));
  // A step beyond the size takes one item, whatever it is.
  const int64_t by = std::clamp(given_step.value_or(1), -size - 1, size + 1);
  if (given_step == 0) return template_error("the step of a slice is 0");
  const int64_t lowest = by < 0 ? -1 : 0;
  const int64_t highest = by < 0 ? size - 1 : size;
  const auto adjust = [&](std::optional<int64_t> given, int64_t fallback) {
    if (!given) return fallback;
    if (*given < 0) return *given < lowest - size ? lowest : std::max(*given + size, lowest);
    return std::min(*given, highest);
  };
  return SliceRange{adjust(given_start, by < 0 ? highest : lowest),
                    adjust(given_stop, by < 0 ? lowest : highest), by};
}

std::vector<size_t> positions(const SliceRange& range) {
  std::vector<size_t> out;
  for (int64_t i = range.start; range.step > 0 ? i < range.stop : i > range.stop; i += range.step) {
    out.push_back(static_cast<size_t>(i));
  }
  return out;
}

Result<Value> slice_text(Budget& budget, const Text& text, const Value& start, const Value& stop,
                         const Value& step) {
  TERN_RETURN_IF_ERROR(budget.walk(text.size()));
  const std::string& bytes = text.bytes();
  TERN_ASSIGN_OR_RETURN(const SliceRange range,
                        slice_range(static_cast<int64_t>(count_chars(bytes)), start, stop, step));
  if (range.step == 1) {
    const size_t begin = byte_of_char(bytes, static_cast<size_t>(range.start));
    const size_t end = byte_of_char(bytes, static_cast<size_t>(std::max(range.start, range.stop)));
    return make_string(budget, text.slice(begin, end));
  }
  TERN_RETURN_IF_ERROR(budget.allocate(bytes.size() * sizeof(size_t)));
  std::vector<size_t> begins;
  for (size_t pos = 0; pos < bytes.size(); pos += char_size(bytes, pos)) begins.push_back(pos);
  Text out;
  for (const size_t i : positions(range)) {
    out.append(text, begins[i], begins[i] + char_size(bytes, begins[i]));
  }
  return make_string(budget, std::move(out));
}

}  // namespace

Result<Value> attribute_of(Runtime& runtime, const Value& value, std::string_view name) {
  TERN_RETURN_IF_ERROR(runtime.budget().step());
  if (value.is_undefined()) return template_error("{}", value.undefined_message());
  TERN_ASSIGN_OR_RETURN(auto found, find_attribute(value, name));
  if (found) return *std::move(found);
  if (value.is_dict()) {
    if (const Value* item = value.as_dict().find(name)) return *item;
  }
  return missing(value, name);
}

Result<Value> item_of(Runtime& runtime, const Value& value, const Value& key) {
  TERN_RETURN_IF_ERROR(runtime.budget().step());
  if (value.is_undefined()) return template_error("{}", value.undefined_message());
  TERN_ASSIGN_OR_RETURN(auto item, find_item(runtime.budget(), value, key));
  if (item) return *std::move(item);
  if (key.is_string()) {
    TERN_ASSIGN_OR_RETURN(auto found, find_attribute(value, key.as_bytes()));
    if (found) return *std::move(found);
  }
  return missing_item(value, key);
}

Result<Value> slice_of(Runtime& runtime, const Value& value, const Value& start, const Value& stop,
                       const Value& step) {
  Budget& budget = runtime.budget();
  if (value.is_undefined()) return template_error("{}", value.undefined_message());
  if (value.is_string()) return slice_text(budget, value.as_text(), start, stop, step);
  const Sequence* sequence = value.as_sequence();
  if (sequence == nullptr || !sequence->is_indexable()) {
    return template_error("a value of type '{}' cannot be sliced", value.type_name());
  }
  if (sequence->kind == Sequence::Kind::kRange) return unsupported("slices of a range");
  TERN_ASSIGN_OR_RETURN(
      const SliceRange range,
      slice_range(static_cast<int64_t>(sequence->items.size()), start, stop, step));
  Value::Items items;
  TERN_RETURN_IF_ERROR(budget.allocate(list_bytes(sequence->items.size())));
  for (const size_t i : positions(range)) items.push_back(sequence->items[i]);
  return make_sequence(budget, sequence->kind, std::move(items));
}

Result<Value> follow_path(Runtime& runtime, const Value& value, const Value& path) {
  if (path.is_integer()) return item_of(runtime, value, path);
  if (!path.is_string()) {
    return template_error("an attribute is named by a text, not '{}'", path.type_name());
  }
  Value current = value;
  std::string_view rest = path.as_bytes();
  for (;;) {
    const size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    const bool is_index =
        !part.empty() && part.size() < 10 &&
        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    const Value key = is_index ? Value::integer(std::stoll(std::string(part)))
                               : Value::string(part, Origin::kTemplate);
    TERN_ASSIGN_OR_RETURN(current, item_of(runtime, current, key));
    if (dot == std::string_view::npos) return current;
    rest.remove_prefix(dot + 1);
  }
}

}  // namespace tern::jinja
