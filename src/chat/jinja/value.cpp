#include "chat/jinja/value.h"

#include <algorithm>

#include "chat/jinja/compare.h"
#include "chat/jinja/object.h"

namespace tern::jinja {
namespace {

int depth_around(const Value::Items& items) {
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  return depth + 1;
}

}  // namespace

Value Value::undefined(std::string message) {
  return Value(Data(Undefined{std::make_shared<const std::string>(std::move(message))}));
}

Value Value::string(Text text) {
  return Value(Data(std::make_shared<const String>(String{std::move(text), false})));
}

Value Value::markup(Text text) {
  return Value(Data(std::make_shared<const String>(String{std::move(text), true})));
}

Value Value::list(Items items) {
  return sequence({.kind = Sequence::Kind::kList, .items = std::move(items)});
}

Value Value::tuple(Items items) {
  return sequence({.kind = Sequence::Kind::kTuple, .items = std::move(items)});
}

Value Value::sequence(Sequence sequence) {
  sequence.depth = depth_around(sequence.items);
  return Value(Data(std::make_shared<const Sequence>(std::move(sequence))));
}

Value Value::dict(Entries entries) {
  Dict dict;
  dict.entries.reserve(entries.size());
  std::vector<size_t> others;  // places of the keys that are no texts
  int depth = 0;
  for (auto& [key, value] : entries) {
    depth = std::max({depth, key.depth(), value.depth()});
    size_t place = dict.entries.size();
    if (key.is_string()) {
      const auto it = dict.by_name.find(key.as_bytes());
      if (it != dict.by_name.end()) place = it->second;
    } else {
      for (const size_t other : others) {
        if (same_key(dict.entries[other].first, key)) place = other;
      }
    }
    if (place < dict.entries.size()) {
      dict.entries[place].second = std::move(value);
      continue;
    }
    dict.entries.emplace_back(std::move(key), std::move(value));
    const Value& kept = dict.entries.back().first;
    if (kept.is_string()) {
      dict.by_name.emplace(kept.as_bytes(), place);  // the text is shared and does not move
    } else {
      others.push_back(place);
    }
  }
  dict.depth = depth + 1;
  return Value(Data(std::make_shared<const Dict>(std::move(dict))));
}

Value Value::object(std::shared_ptr<Object> object) { return Value(Data(std::move(object))); }

bool Value::is_markup() const {
  const auto* string = std::get_if<StringPtr>(&data_);
  return string != nullptr && (*string)->markup;
}

bool Value::is_key() const { return is_none() || is_string() || as_number().has_value(); }

std::string Value::undefined_message() const {
  const auto& message = std::get<Undefined>(data_).message;
  return message == nullptr ? "a value is undefined" : *message;
}

const Sequence* Value::as_sequence() const {
  const auto* sequence = std::get_if<SequencePtr>(&data_);
  return sequence == nullptr ? nullptr : sequence->get();
}

Object* Value::as_object() const {
  const auto* object = std::get_if<ObjectPtr>(&data_);
  return object == nullptr ? nullptr : object->get();
}

std::optional<Number> Value::as_number() const {
  if (is_real()) return Number{true, 0, as_real()};
  if (!is_bool() && !is_integer()) return std::nullopt;
  const int64_t integer = is_bool() ? int64_t{as_bool()} : as_integer();
  return Number{false, integer, static_cast<double>(integer)};
}

std::string_view Value::type_name() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "NoneType";
  if (is_bool()) return "bool";
  if (is_integer()) return "int";
  if (is_real()) return "float";
  if (is_string()) return "str";
  if (is_dict()) return "dict";
  if (const Object* object = as_object()) return object->type_name();
  switch (as_sequence()->kind) {
    case Sequence::Kind::kList:
      return "list";
    case Sequence::Kind::kTuple:
      return "tuple";
    case Sequence::Kind::kRange:
      return "range";
    case Sequence::Kind::kKeys:
      return "dict_keys";
    case Sequence::Kind::kValues:
      return "dict_values";
    case Sequence::Kind::kItems:
      return "dict_items";
    case Sequence::Kind::kGenerator:
      break;
  }
  return "generator";
}

bool Value::is_true() const {
  if (is_undefined() || is_none()) return false;
  if (const auto number = as_number()) return !number->is_zero();
  if (is_string()) return !as_text().empty();
  if (is_dict()) return !as_dict().entries.empty();
  const Sequence* sequence = as_sequence();
  return sequence == nullptr || sequence->kind == Sequence::Kind::kGenerator ||
         !sequence->items.empty();
}

int Value::depth() const {
  if (is_dict()) return as_dict().depth;
  if (const Object* object = as_object()) return object->depth() + 1;
  const Sequence* sequence = as_sequence();
  return sequence == nullptr ? 0 : sequence->depth;
}

const Value* Dict::find(std::string_view name) const {
  const auto it = by_name.find(name);
  return it == by_name.end() ? nullptr : &entries[it->second].second;
}

const Value* Dict::find(const Value& key) const {
  if (key.is_string()) return find(key.as_bytes());
  if (by_name.size() == entries.size()) return nullptr;
  for (const auto& [own, value] : entries) {
    if (!own.is_string() && same_key(own, key)) return &value;
  }
  return nullptr;
}

}  // namespace tern::jinja
