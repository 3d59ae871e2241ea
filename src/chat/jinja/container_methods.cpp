// Methods of dict, list and tuple, and the lookup of methods by type.
#include <array>

#include "chat/jinja/bind.h"
#include "chat/jinja/compare.h"
#include "chat/jinja/iterate.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/registries.h"
#include "chat/jinja/runtime.h"

namespace tern::jinja {
namespace {

template <Sequence::Kind kind>
Result<Value> view_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("view", arguments, {}));
  const Dict& dict = self.as_dict();
  TERN_RETURN_IF_ERROR(runtime.budget().allocate(dict.entries.size() * kTextBytes));
  Value::Items items;
  for (const auto& [key, value] : dict.entries) {
    if (kind == Sequence::Kind::kItems) {
      items.push_back(Value::tuple({key, value}));
    } else {
      items.push_back(kind == Sequence::Kind::kKeys ? key : value);
    }
  }
  return make_sequence(runtime.budget(), kind, std::move(items));
}

Result<Value> get_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("get", arguments, {"", ""}, 1));
  TERN_RETURN_IF_ERROR(runtime.budget().step(self.as_dict().find_steps(bound[0])));
  const Value* found = bound[0].is_key() ? self.as_dict().find(bound[0]) : nullptr;
  if (found != nullptr) return *found;
  return bound.has(1) ? bound[1] : Value::none();
}

Result<Value> copy_method(Runtime& /*runtime*/, const Value& self, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("copy", arguments, {}));
  return self;  // values do not change, so a copy is the value
}

Result<Value> index_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("index", arguments, {""}, 1));
  const Value::Items& items = self.as_sequence()->items;
  for (size_t i = 0; i < items.size(); ++i) {
    TERN_ASSIGN_OR_RETURN(const bool equal, is_equal(runtime.budget(), items[i], bound[0]));
    if (equal) return Value::integer(static_cast<int64_t>(i));
  }
  return template_error("index(): the value is not in the {}", self.type_name());
}

Result<Value> count_method(Runtime& runtime, const Value& self, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("count", arguments, {""}, 1));
  int64_t n = 0;
  for (const Value& item : self.as_sequence()->items) {
    TERN_ASSIGN_OR_RETURN(const bool equal, is_equal(runtime.budget(), item, bound[0]));
    if (equal) ++n;
  }
  return Value::integer(n);
}

constexpr std::array kDictMethods = {
    Method{"copy", copy_method},
    Method{"get", get_method},
    Method{"items", view_method<Sequence::Kind::kItems>},
    Method{"keys", view_method<Sequence::Kind::kKeys>},
    Method{"values", view_method<Sequence::Kind::kValues>},
    Method{"clear", refuse_change},
    Method{"pop", refuse_change},
    Method{"popitem", refuse_change},
    Method{"setdefault", refuse_change},
    Method{"update", refuse_change},
    Method{"fromkeys", nullptr},
};

constexpr std::array kListMethods = {
    Method{"copy", copy_method},
    Method{"count", count_method},
    Method{"index", index_method},
    Method{"append", refuse_change},
    Method{"extend", refuse_change},
    Method{"insert", refuse_change},
    Method{"remove", refuse_change},
    Method{"reverse", refuse_change},
    Method{"sort", refuse_change},
    // Jinja's sandbox forgets these two; values of tern do not change.
    Method{"clear", nullptr},
    Method{"pop", nullptr},
};

// Methods and attributes of Python's numbers, which no template is known to use.
constexpr std::array<std::string_view, 9> kNumberAttributes = {
    "as_integer_ratio", "bit_length", "conjugate", "denominator", "hex", "imag",
    "is_integer",       "numerator",  "real"};

}  // namespace

std::span<const Method> dict_methods() { return kDictMethods; }

std::span<const Method> sequence_methods() { return kListMethods; }

Result<Value> refuse_change(Runtime& /*runtime*/, const Value& self, const Arguments& /*unused*/) {
  return template_error("a template may not change a value of type '{}'", self.type_name());
}

Result<std::optional<Value>> find_method(const Value& value, std::string_view name) {
  std::span<const Method> methods;
  if (value.is_string()) {
    if (value.is_markup()) return unsupported("methods of what 'safe' or 'escape' gave");
    methods = string_methods();
  } else if (value.is_dict()) {
    methods = dict_methods();
  } else if (const Sequence* sequence = value.as_sequence();
             sequence != nullptr && (sequence->kind == Sequence::Kind::kList ||
                                     sequence->kind == Sequence::Kind::kTuple)) {
    methods = sequence_methods();
  } else if (value.as_number()) {
    for (const std::string_view known : kNumberAttributes) {
      if (name == known) return unsupported("'{}' of a number", name);
    }
  }
  for (const Method& method : methods) {
    if (method.name != name) continue;
    const bool is_tuple = value.as_sequence() != nullptr && value.type_name() == "tuple";
    if (is_tuple && method.body != index_method && method.body != count_method) break;
    if (method.body == nullptr) {
      return unsupported("the method '{}' of a '{}'", name, value.type_name());
    }
    return std::optional<Value>(
        Value::object(std::make_shared<Function>(method.name, method.body, value)));
  }
  return std::optional<Value>();
}

}  // namespace tern::jinja
