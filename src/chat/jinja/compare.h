// Equality, order and membership as Python has them. Pure but for the budget.
#pragma once

#include "chat/jinja/budget.h"
#include "chat/jinja/value.h"

namespace tern::jinja {

/// -1, 0, 1; exact for any two numbers. No value where one of them is not a number (NaN).
std::optional<int> compare_numbers(const Number& a, const Number& b);

/// Equality of keys. REQUIRES: both are keys (Value::is_key()).
bool same_key(const Value& a, const Value& b);

/// a == b. Errors: limits.
Result<bool> is_equal(Budget& budget, const Value& a, const Value& b);

/// a < b for numbers, texts, lists and tuples; other types cannot be ordered (kCorrupt).
Result<bool> is_less(Budget& budget, const Value& a, const Value& b);

enum class Order { kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
/// The four comparisons; not a number is neither less nor greater than anything.
Result<bool> is_ordered(Budget& budget, Order order, const Value& a, const Value& b);

/// `needle in haystack`. kCorrupt where the haystack holds nothing.
Result<bool> contains(Budget& budget, const Value& haystack, const Value& needle);

}  // namespace tern::jinja
