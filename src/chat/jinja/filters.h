// Tables of the filters, one for each kind; find_filter() looks through them.
#pragma once

#include <span>

#include "chat/jinja/registries.h"

namespace tern::jinja {

struct Filter {
  std::string_view name;
  FilterFn filter;
};

std::span<const Filter> text_filters();
std::span<const Filter> number_filters();
std::span<const Filter> sequence_filters();
/// map, select, reject, selectattr, rejectattr.
std::span<const Filter> selection_filters();

/// How sort, unique, min and max see a value: the attribute of it, texts in lower case unless case
/// counts.
Result<Value> sort_key(Runtime& runtime, const Value& item, const Value* attribute,
                       bool case_sensitive);

}  // namespace tern::jinja
