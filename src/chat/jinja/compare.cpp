#include "chat/jinja/compare.h"

#include <algorithm>
#include <cmath>

#include "chat/jinja/errors.h"
#include "chat/jinja/iterate.h"

namespace tern::jinja {
namespace {

int sign(bool less, bool greater) { return less ? -1 : greater ? 1 : 0; }

// Against a float, exactly: a float of 2^63 or more is beyond every integer, and below that its
// whole part is one.
int compare_exactly(int64_t integer, double real) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (real >= kTwo63) return -1;
  if (real < -kTwo63) return 1;
  const double whole = std::floor(real);
  const auto whole_integer = static_cast<int64_t>(whole);
  if (integer != whole_integer) return integer < whole_integer ? -1 : 1;
  return real > whole ? -1 : 0;
}

bool same_kind_of_sequence(const Sequence& a, const Sequence& b) { return a.kind == b.kind; }

Result<bool> equal_items(Budget& budget, const Sequence& a, const Sequence& b) {
  if (!same_kind_of_sequence(a, b)) return false;
  if (&a == &b) return true;
  if (a.kind == Sequence::Kind::kGenerator || a.kind == Sequence::Kind::kValues) return false;
  if (a.items.size() != b.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    TERN_ASSIGN_OR_RETURN(const bool equal, is_equal(budget, a.items[i], b.items[i]));
    if (!equal) return false;
  }
  return true;
}

Result<bool> equal_dicts(Budget& budget, const Dict& a, const Dict& b) {
  if (&a == &b) return true;
  if (a.entries.size() != b.entries.size()) return false;
  for (const auto& [key, value] : a.entries) {
    const Value* other = b.find(key);
    if (other == nullptr) return false;
    TERN_ASSIGN_OR_RETURN(const bool equal, is_equal(budget, value, *other));
    if (!equal) return false;
  }
  return true;
}

Result<bool> less_items(Budget& budget, const Sequence& a, const Sequence& b) {
  const size_t common = std::min(a.items.size(), b.items.size());
  for (size_t i = 0; i < common; ++i) {
    TERN_ASSIGN_OR_RETURN(const bool equal, is_equal(budget, a.items[i], b.items[i]));
    if (!equal) return is_less(budget, a.items[i], b.items[i]);
  }
  return a.items.size() < b.items.size();
}

bool has_order(const Sequence& sequence) {
  return sequence.kind == Sequence::Kind::kList || sequence.kind == Sequence::Kind::kTuple;
}

}  // namespace

std::optional<int> compare_numbers(const Number& a, const Number& b) {
  if ((a.is_float && std::isnan(a.real)) || (b.is_float && std::isnan(b.real))) {
    return std::nullopt;
  }
  if (a.is_float && b.is_float) return sign(a.real<b.real, a.real> b.real);
  if (a.is_float) return -compare_exactly(b.integer, a.real);
  if (b.is_float) return compare_exactly(a.integer, b.real);
  return sign(a.integer<b.integer, a.integer> b.integer);
}

bool same_key(const Value& a, const Value& b) {
  if (a.is_string() || b.is_string()) {
    return a.is_string() && b.is_string() && a.as_bytes() == b.as_bytes();
  }
  if (a.is_none() || b.is_none()) return a.is_none() && b.is_none();
  const auto left = a.as_number();
  const auto right = b.as_number();
  return left && right && compare_numbers(*left, *right) == 0;
}

Result<bool> is_equal(Budget& budget, const Value& a, const Value& b) {
  const DepthGuard guard(budget);
  TERN_RETURN_IF_ERROR(guard.entered());
  TERN_RETURN_IF_ERROR(budget.step());
  if (a.is_undefined() || b.is_undefined()) return a.is_undefined() && b.is_undefined();
  if (a.is_string() && b.is_string()) {
    if (a.as_bytes().size() != b.as_bytes().size()) return false;
    TERN_RETURN_IF_ERROR(budget.walk(a.as_bytes().size()));
    return a.as_bytes() == b.as_bytes();
  }
  if (a.is_key() && b.is_key()) return same_key(a, b);
  if (a.is_dict() && b.is_dict()) return equal_dicts(budget, a.as_dict(), b.as_dict());
  const Sequence* left = a.as_sequence();
  const Sequence* right = b.as_sequence();
  if (left != nullptr && right != nullptr) return equal_items(budget, *left, *right);
  return a.as_object() != nullptr && a.as_object() == b.as_object();
}

Result<bool> is_less(Budget& budget, const Value& a, const Value& b) {
  const DepthGuard guard(budget);
  TERN_RETURN_IF_ERROR(guard.entered());
  TERN_RETURN_IF_ERROR(budget.step());
  for (const Value* value : {&a, &b}) {
    if (value->is_undefined()) return template_error("{}", value->undefined_message());
  }
  const auto left = a.as_number();
  const auto right = b.as_number();
  if (left && right) return compare_numbers(*left, *right) == -1;
  if (a.is_string() && b.is_string()) {
    // The order of UTF-8's bytes is that of the code points.
    TERN_RETURN_IF_ERROR(budget.walk(std::min(a.as_bytes().size(), b.as_bytes().size())));
    return a.as_bytes() < b.as_bytes();
  }
  const Sequence* first = a.as_sequence();
  const Sequence* second = b.as_sequence();
  if (first != nullptr && second != nullptr && has_order(*first) && first->kind == second->kind) {
    return less_items(budget, *first, *second);
  }
  return template_error("'{}' and '{}' cannot be ordered", a.type_name(), b.type_name());
}

Result<bool> is_ordered(Budget& budget, Order order, const Value& a, const Value& b) {
  const auto left = a.as_number();
  const auto right = b.as_number();
  if (left && right && !compare_numbers(*left, *right)) return false;
  switch (order) {
    case Order::kLess:
      return is_less(budget, a, b);
    case Order::kGreater:
      return is_less(budget, b, a);
    case Order::kLessOrEqual:
    case Order::kGreaterOrEqual:
      break;
  }
  TERN_ASSIGN_OR_RETURN(const bool opposite, order == Order::kLessOrEqual ? is_less(budget, b, a)
                                                                          : is_less(budget, a, b));
  return !opposite;
}

Result<bool> contains(Budget& budget, const Value& haystack, const Value& needle) {
  TERN_RETURN_IF_ERROR(budget.step());
  if (haystack.is_string()) {
    if (!needle.is_string()) {
      return template_error("'in' needs a text on its left where a text is on its right, not '{}'",
                            needle.type_name());
    }
    TERN_RETURN_IF_ERROR(budget.search(haystack.as_bytes().size(), needle.as_bytes().size()));
    return haystack.as_bytes().find(needle.as_bytes()) != std::string::npos;
  }
  if (haystack.is_dict()) {
    if (is_mutable(needle)) {
      return template_error("a value of type '{}' cannot be a key", needle.type_name());
    }
    TERN_RETURN_IF_ERROR(budget.step(haystack.as_dict().find_steps(needle)));
    return needle.is_key() && haystack.as_dict().find(needle) != nullptr;
  }
  TERN_ASSIGN_OR_RETURN(const Value::Items items, items_of(budget, haystack));
  for (const Value& item : items) {
    TERN_ASSIGN_OR_RETURN(const bool equal, is_equal(budget, item, needle));
    if (equal) return true;
  }
  return false;
}

}  // namespace tern::jinja
