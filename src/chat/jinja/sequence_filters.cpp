// Filters that work on lists and mappings.
#include <algorithm>
#include <array>

#include "chat/jinja/bind.h"
#include "chat/jinja/characters.h"
#include "chat/jinja/compare.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/iterate.h"
#include "chat/jinja/runtime.h"
#include "chat/jinja/text_functions.h"

namespace tern::jinja {
namespace {

Result<Value> default_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(runtime.budget().step());
  TERN_ASSIGN_OR_RETURN(const Bound bound,
                        bind("default", arguments, {"default_value", "boolean"}));
  TERN_ASSIGN_OR_RETURN(const bool by_truth, bound.truth_or(1, false));
  if (!value.is_undefined() && !(by_truth && !value.is_true())) return value;
  return bound.has(0) ? bound[0] : Value::string("", Origin::kTemplate);
}

Result<Value> first_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("first", arguments, {}));
  if (value.is_string() && !value.as_text().empty()) {
    return item_of(runtime, value, Value::integer(0));
  }
  TERN_ASSIGN_OR_RETURN(const Value::Items items, items_of(runtime.budget(), value));
  if (items.empty()) return Value::undefined("No first item, sequence was empty.");
  return items.front();
}

Result<Value::Items> reversed_items(Runtime& runtime, const Value& value) {
  const Sequence* sequence = value.as_sequence();
  if (sequence != nullptr && sequence->kind == Sequence::Kind::kGenerator) {
    return template_error("a generator cannot be walked over from its end");
  }
  TERN_ASSIGN_OR_RETURN(Value::Items items, items_of(runtime.budget(), value));
  std::reverse(items.begin(), items.end());
  return items;
}

Result<Value> last_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("last", arguments, {}));
  if (value.is_string() && !value.as_text().empty()) {
    return item_of(runtime, value, Value::integer(-1));
  }
  TERN_ASSIGN_OR_RETURN(const Value::Items items, reversed_items(runtime, value));
  if (items.empty()) return Value::undefined("No last item, sequence was empty.");
  return items.front();
}

Result<Value> reverse_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("reverse", arguments, {}));
  if (value.is_string()) {
    return slice_of(runtime, value, Value::none(), Value::none(), Value::integer(-1));
  }
  TERN_ASSIGN_OR_RETURN(Value::Items items, reversed_items(runtime, value));
  return make_sequence(runtime.budget(), Sequence::Kind::kGenerator, std::move(items));
}

Result<Value> list_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("list", arguments, {}));
  TERN_ASSIGN_OR_RETURN(Value::Items items, items_of(runtime.budget(), value));
  return make_list(runtime.budget(), std::move(items));
}

Result<Value> items_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("items", arguments, {}));
  Value::Items pairs;
  if (!value.is_undefined()) {
    if (!value.is_dict()) {
      return template_error("'items' takes a mapping, not a '{}'", value.type_name());
    }
    const Dict& dict = value.as_dict();
    TERN_RETURN_IF_ERROR(runtime.budget().allocate(dict.entries.size() * kTextBytes));
    for (const auto& [key, entry] : dict.entries) pairs.push_back(Value::tuple({key, entry}));
  }
  return make_sequence(runtime.budget(), Sequence::Kind::kGenerator, std::move(pairs));
}

struct Keyed {
  Value key;
  Value value;
};

// Merge sort: stable, and safe with an order that fails or contradicts itself.
Result<void> sort_keyed(Budget& budget, std::vector<Keyed>& items, bool reverse) {
  std::vector<Keyed> merged(items.size());
  for (size_t width = 1; width < items.size(); width *= 2) {
    for (size_t begin = 0; begin < items.size(); begin += 2 * width) {
      const size_t middle = std::min(begin + width, items.size());
      const size_t end = std::min(begin + 2 * width, items.size());
      size_t left = begin;
      size_t right = middle;
      for (size_t out = begin; out < end; ++out) {
        bool take_right = left == middle;
        if (left < middle && right < end) {
          // Equal ones keep their order in both directions.
          TERN_ASSIGN_OR_RETURN(take_right,
                                reverse ? is_less(budget, items[left].key, items[right].key)
                                        : is_less(budget, items[right].key, items[left].key));
        }
        merged[out] = std::move(items[take_right ? right++ : left++]);
      }
    }
    items.swap(merged);
  }
  return {};
}

Result<Value::Items> sorted_values(Budget& budget, std::vector<Keyed> keyed, bool reverse) {
  TERN_RETURN_IF_ERROR(budget.allocate(4 * list_bytes(keyed.size())));
  TERN_RETURN_IF_ERROR(sort_keyed(budget, keyed, reverse));
  Value::Items items;
  for (Keyed& item : keyed) items.push_back(std::move(item.value));
  return items;
}

Result<Value> sort_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound,
                        bind("sort", arguments, {"reverse", "case_sensitive", "attribute"}));
  TERN_ASSIGN_OR_RETURN(const bool reverse, bound.truth_or(0, false));
  TERN_ASSIGN_OR_RETURN(const bool case_sensitive, bound.truth_or(1, false));
  const Value* attribute = bound.has(2) && !bound[2].is_none() ? &bound[2] : nullptr;
  if (attribute != nullptr && attribute->is_string() &&
      attribute->as_bytes().find(',') != std::string::npos) {
    return unsupported("sorting by several attributes");
  }
  TERN_ASSIGN_OR_RETURN(const Value::Items items, items_of(runtime.budget(), value));
  std::vector<Keyed> keyed;
  for (const Value& item : items) {
    TERN_ASSIGN_OR_RETURN(Value key, sort_key(runtime, item, attribute, case_sensitive));
    keyed.push_back({std::move(key), item});
  }
  TERN_ASSIGN_OR_RETURN(Value::Items sorted,
                        sorted_values(runtime.budget(), std::move(keyed), reverse));
  return make_list(runtime.budget(), std::move(sorted));
}

Result<Value> dictsort_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound,
                        bind("dictsort", arguments, {"case_sensitive", "by", "reverse"}));
  TERN_ASSIGN_OR_RETURN(const bool case_sensitive, bound.truth_or(0, false));
  TERN_ASSIGN_OR_RETURN(const bool reverse, bound.truth_or(2, false));
  bool by_value = false;
  if (bound.has(1)) {
    TERN_ASSIGN_OR_RETURN(const Text by, bound.text(1));
    by_value = by.bytes() == "value";
    if (!by_value && by.bytes() != "key") {
      return template_error("dictsort(): 'by' must be key or value");
    }
  }
  if (!value.is_dict()) {
    if (value.is_undefined()) return template_error("{}", value.undefined_message());
    return template_error("dictsort() takes a mapping, not a '{}'", value.type_name());
  }
  std::vector<Keyed> keyed;
  TERN_RETURN_IF_ERROR(runtime.budget().allocate(value.as_dict().entries.size() * kTextBytes));
  for (const auto& [name, entry] : value.as_dict().entries) {
    TERN_ASSIGN_OR_RETURN(Value key,
                          sort_key(runtime, by_value ? entry : name, nullptr, case_sensitive));
    keyed.push_back({std::move(key), Value::tuple({name, entry})});
  }
  TERN_ASSIGN_OR_RETURN(Value::Items sorted,
                        sorted_values(runtime.budget(), std::move(keyed), reverse));
  return make_list(runtime.budget(), std::move(sorted));
}

Result<Value> unique_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound,
                        bind("unique", arguments, {"case_sensitive", "attribute"}));
  TERN_ASSIGN_OR_RETURN(const bool case_sensitive, bound.truth_or(0, false));
  const Value* attribute = bound.has(1) && !bound[1].is_none() ? &bound[1] : nullptr;
  TERN_ASSIGN_OR_RETURN(const Value::Items items, items_of(runtime.budget(), value));
  Value::Items seen;
  Value::Items kept;
  for (const Value& item : items) {
    TERN_ASSIGN_OR_RETURN(Value key, sort_key(runtime, item, attribute, case_sensitive));
    if (!key.is_key()) {
      return template_error("unique() cannot tell values of type '{}' apart", key.type_name());
    }
    bool known = false;
    for (const Value& other : seen) {
      TERN_ASSIGN_OR_RETURN(known, is_equal(runtime.budget(), other, key));
      if (known) break;
    }
    if (known) continue;
    seen.push_back(std::move(key));
    kept.push_back(item);
  }
  return make_sequence(runtime.budget(), Sequence::Kind::kGenerator, std::move(kept));
}

template <bool largest>
Result<Value> extreme_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound,
                        bind(largest ? "max" : "min", arguments, {"case_sensitive", "attribute"}));
  TERN_ASSIGN_OR_RETURN(const bool case_sensitive, bound.truth_or(0, false));
  const Value* attribute = bound.has(1) && !bound[1].is_none() ? &bound[1] : nullptr;
  TERN_ASSIGN_OR_RETURN(const Value::Items items, items_of(runtime.budget(), value));
  if (items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  size_t best = 0;
  Value best_key;
  for (size_t i = 0; i < items.size(); ++i) {
    TERN_ASSIGN_OR_RETURN(Value key, sort_key(runtime, items[i], attribute, case_sensitive));
    bool better = i == 0;
    if (i > 0) {
      TERN_ASSIGN_OR_RETURN(better, largest ? is_less(runtime.budget(), best_key, key)
                                            : is_less(runtime.budget(), key, best_key));
    }
    if (!better) continue;
    best = i;
    best_key = std::move(key);
  }
  return items[best];
}

constexpr std::array kSequenceFilters = {
    Filter{"d", default_filter},          Filter{"default", default_filter},
    Filter{"dictsort", dictsort_filter},  Filter{"first", first_filter},
    Filter{"items", items_filter},        Filter{"last", last_filter},
    Filter{"list", list_filter},          Filter{"max", extreme_filter<true>},
    Filter{"min", extreme_filter<false>}, Filter{"reverse", reverse_filter},
    Filter{"sort", sort_filter},          Filter{"unique", unique_filter},
};

}  // namespace

Result<Value> sort_key(Runtime& runtime, const Value& item, const Value* attribute,
                       bool case_sensitive) {
  TERN_RETURN_IF_ERROR(runtime.budget().step());
  Value key = item;
  if (attribute != nullptr) {
    TERN_ASSIGN_OR_RETURN(key, follow_path(runtime, item, *attribute));
  }
  if (case_sensitive || !key.is_string()) return key;
  TERN_ASSIGN_OR_RETURN(Text lower, change_case(key.as_text(), CaseChange::kLower));
  return make_string(runtime.budget(), std::move(lower));
}

std::span<const Filter> sequence_filters() { return kSequenceFilters; }

}  // namespace tern::jinja
