// What `for` and the filters walk over.
#pragma once

#include "chat/jinja/budget.h"
#include "chat/jinja/value.h"

namespace tern::jinja {

/// The values in order: items, keys, or the characters of a text. A generator is used up by it.
/// kCorrupt where the value cannot be walked over; limits.
Result<Value::Items> items_of(Budget& budget, const Value& value);

/// Whether items_of() would give values.
bool is_iterable(const Value& value);

/// Number of values or characters; kCorrupt where the value has no length.
Result<int64_t> length_of(Budget& budget, const Value& value);

/// Lists and mappings, which Python takes for no key.
bool is_mutable(const Value& value);

/// A list after checking its size and nesting.
Result<Value> make_list(Budget& budget, Value::Items items);
Result<Value> make_sequence(Budget& budget, Sequence::Kind kind, Value::Items items);
/// A mapping likewise; refuses values that cannot be keys.
Result<Value> make_dict(Budget& budget, Value::Entries entries);
/// A text after checking its size.
Result<Value> make_string(Budget& budget, Text text);

/// About what a short text takes as a value, its allocations included.
constexpr size_t kTextBytes = 160;
/// Room that a list of n values takes, for the budget; the limit's excess where that overflows.
size_t list_bytes(size_t n_items);

}  // namespace tern::jinja
