// What the language offers by name: filters, tests, functions and methods. Each is an explicit
// table; a new one is a row in its .cpp.
#pragma once

#include "chat/jinja/object.h"

namespace tern::jinja {

using FilterFn = Result<Value> (*)(Runtime&, const Value& value, const Arguments&);
using TestFn = Result<bool> (*)(Runtime&, const Value& value, const Arguments&);

/// Null where there is none of that name. `safe` and `escape` give texts that can only be written.
FilterFn find_filter(std::string_view name);
TestFn find_test(std::string_view name);

/// range, dict, namespace, cycler, joiner, raise_exception, and strftime_now where the runtime has
/// a time.
std::optional<Value> find_global(const Runtime& runtime, std::string_view name);

/// The method of a text, list or mapping, bound to it. Nothing where Python has no such method
/// either; kUnsupported where only tern lacks it. One that would change the value is a value whose
/// use is an error, as in Jinja's immutable sandbox.
Result<std::optional<Value>> find_method(const Value& value, std::string_view name);

/// value.name: an attribute, else the item of that name, else undefined.
Result<Value> attribute_of(Runtime& runtime, const Value& value, std::string_view name);
/// value[key]: the item, else the attribute of that name, else undefined.
Result<Value> item_of(Runtime& runtime, const Value& value, const Value& key);
/// value[start:stop:step]; none: left out.
Result<Value> slice_of(Runtime& runtime, const Value& value, const Value& start, const Value& stop,
                       const Value& step);
/// What the filters mean by attribute="a.b.0": one after the other.
Result<Value> follow_path(Runtime& runtime, const Value& value, const Value& path);

}  // namespace tern::jinja
