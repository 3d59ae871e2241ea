#include "chat/jinja/iterate.h"

#include <limits>

#include "chat/jinja/characters.h"
#include "chat/jinja/errors.h"
#include "chat/jinja/object.h"

namespace tern::jinja {
namespace {

Result<void> check_depth(const Value& value) {
  if (value.depth() > kMaxValueDepth) {
    return limit_error("values nested more than {} deep", kMaxValueDepth);
  }
  return {};
}

}  // namespace

bool is_mutable(const Value& value) {
  const Sequence* sequence = value.as_sequence();
  return value.is_dict() || (sequence != nullptr && sequence->kind == Sequence::Kind::kList);
}

size_t list_bytes(size_t n_items) {
  constexpr size_t kMost = std::numeric_limits<size_t>::max() / 2;
  return n_items > kMost / sizeof(Value) ? kMost : n_items * sizeof(Value);
}

Result<Value::Items> items_of(Budget& budget, const Value& value) {
  if (value.is_undefined()) return Value::Items{};
  if (value.is_string()) {
    const Text& text = value.as_text();
    // A shared text of its own for every character.
    TERN_RETURN_IF_ERROR(budget.allocate(count_chars(text.bytes()) * kTextBytes));
    Value::Items items;
    for (size_t pos = 0; pos < text.size();) {
      const size_t end = pos + char_size(text.bytes(), pos);
      items.push_back(Value::string(text.slice(pos, end)));
      pos = end;
    }
    return items;
  }
  if (value.is_dict()) {
    const Dict& dict = value.as_dict();
    TERN_RETURN_IF_ERROR(budget.allocate(list_bytes(dict.entries.size())));
    Value::Items items;
    items.reserve(dict.entries.size());
    for (const auto& entry : dict.entries) items.push_back(entry.first);
    return items;
  }
  if (const Sequence* sequence = value.as_sequence()) {
    TERN_RETURN_IF_ERROR(budget.allocate(list_bytes(sequence->items.size())));
    if (sequence->kind == Sequence::Kind::kGenerator) {
      if (sequence->consumed) return Value::Items{};
      sequence->consumed = true;
    }
    return sequence->items;
  }
  if (const Object* object = value.as_object(); object != nullptr && object->is_iterable()) {
    return unsupported("walking over a '{}'", value.type_name());
  }
  return template_error("a value of type '{}' cannot be walked over", value.type_name());
}

bool is_iterable(const Value& value) {
  if (const Object* object = value.as_object()) return object->is_iterable();
  return value.is_undefined() || value.is_string() || value.is_dict() ||
         value.as_sequence() != nullptr;
}

Result<int64_t> length_of(Budget& budget, const Value& value) {
  if (value.is_undefined()) return 0;
  if (value.is_string()) {
    TERN_RETURN_IF_ERROR(budget.walk(value.as_bytes().size()));
    return static_cast<int64_t>(count_chars(value.as_bytes()));
  }
  if (value.is_dict()) return static_cast<int64_t>(value.as_dict().entries.size());
  const Sequence* sequence = value.as_sequence();
  if (sequence != nullptr && sequence->kind != Sequence::Kind::kGenerator) {
    return static_cast<int64_t>(sequence->items.size());
  }
  return template_error("a value of type '{}' has no length", value.type_name());
}

Result<Value> make_sequence(Budget& budget, Sequence::Kind kind, Value::Items items) {
  TERN_RETURN_IF_ERROR(budget.allocate(sizeof(Sequence) + list_bytes(items.size())));
  Value value = Value::sequence({.kind = kind, .items = std::move(items)});
  TERN_RETURN_IF_ERROR(check_depth(value));
  return value;
}

Result<Value> make_list(Budget& budget, Value::Items items) {
  return make_sequence(budget, Sequence::Kind::kList, std::move(items));
}

Result<Value> make_dict(Budget& budget, Value::Entries entries) {
  // Twice the entries, and about as much again for the index.
  TERN_RETURN_IF_ERROR(budget.allocate(sizeof(Dict) + list_bytes(entries.size() * 4)));
  // Keys that are no texts are compared with each other.
  size_t n_others = 0;
  for (const auto& [key, value] : entries) {
    if (!key.is_string()) TERN_RETURN_IF_ERROR(budget.step(1 + n_others++ / 8));
    if (key.is_undefined()) return unsupported("something undefined as a key of a mapping");
    if (is_mutable(key)) {
      return template_error("a value of type '{}' cannot be a key", key.type_name());
    }
    if (!key.is_key()) {
      return unsupported("a value of type '{}' as a key of a mapping", key.type_name());
    }
  }
  Value value = Value::dict(std::move(entries));
  TERN_RETURN_IF_ERROR(check_depth(value));
  return value;
}

Result<Value> make_string(Budget& budget, Text text) {
  TERN_RETURN_IF_ERROR(budget.allocate(sizeof(Text) + text.size()));
  return Value::string(std::move(text));
}

}  // namespace tern::jinja
