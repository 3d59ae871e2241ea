// Tables of the methods that values have; find_method() looks them up.
#pragma once

#include <span>

#include "chat/jinja/object.h"

namespace tern::jinja {

struct Method {
  std::string_view name;
  Function::Body body;  // null: Python has it, tern does not
};

std::span<const Method> string_methods();
std::span<const Method> dict_methods();
/// Of lists and tuples.
std::span<const Method> sequence_methods();

/// The method's refusal: it would change the value.
Result<Value> refuse_change(Runtime& runtime, const Value& self, const Arguments& arguments);

}  // namespace tern::jinja
