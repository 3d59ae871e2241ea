// Filters that apply another filter or a test to every item. Jinja gives generators; here they are
// computed at once and can be walked over once.
#include <array>

#include "chat/jinja/bind.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/iterate.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/runtime.h"
#include "gguf/text.h"

namespace tern::jinja {
namespace {

// What is left of the arguments behind the first n.
Arguments rest_of(const Arguments& arguments, size_t n) {
  Arguments rest;
  rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(n),
                         arguments.positional.end());
  rest.named = arguments.named;
  return rest;
}

Result<Value> map_attribute(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("map", arguments, {"attribute", "default"}, 1));
  TERN_ASSIGN_OR_RETURN(const Value::Items items, items_of(runtime.budget(), value));
  Value::Items mapped;
  for (const Value& item : items) {
    TERN_ASSIGN_OR_RETURN(Value found, follow_path(runtime, item, bound[0]));
    if (found.is_undefined() && bound.has(1)) found = bound[1];
    mapped.push_back(std::move(found));
  }
  return make_sequence(runtime.budget(), Sequence::Kind::kGenerator, std::move(mapped));
}

Result<Value> map_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  if (arguments.positional.empty()) return map_attribute(runtime, value, arguments);
  const Value& name = arguments.positional.front();
  if (!name.is_string()) return template_error("map() takes the name of a filter");
  const FilterFn filter = find_filter(name.as_bytes());
  if (filter == nullptr) return unsupported("the filter '{}'", gguf::printable(name.as_bytes()));
  const DepthGuard guard(runtime.budget());
  TERN_RETURN_IF_ERROR(guard.entered());
  const Arguments rest = rest_of(arguments, 1);
  TERN_ASSIGN_OR_RETURN(const Value::Items items, items_of(runtime.budget(), value));
  Value::Items mapped;
  for (const Value& item : items) {
    TERN_RETURN_IF_ERROR(runtime.budget().step());
    TERN_ASSIGN_OR_RETURN(Value result, filter(runtime, item, rest));
    mapped.push_back(std::move(result));
  }
  return make_sequence(runtime.budget(), Sequence::Kind::kGenerator, std::move(mapped));
}

// by_attribute: the first argument names what is tested of each item. keep: what the test must say.
template <bool by_attribute, bool keep>
Result<Value> select_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  constexpr size_t kTestPlace = by_attribute ? 1 : 0;
  const std::vector<Value>& given = arguments.positional;
  if (by_attribute && given.empty()) return template_error("the name of an attribute is missing");
  TestFn test = nullptr;
  Arguments rest;
  if (given.size() > kTestPlace) {
    const Value& name = given[kTestPlace];
    if (!name.is_string()) return template_error("the name of a test is a text");
    test = find_test(name.as_bytes());
    if (test == nullptr) return unsupported("the test '{}'", gguf::printable(name.as_bytes()));
    rest = rest_of(arguments, kTestPlace + 1);
  }
  TERN_ASSIGN_OR_RETURN(const Value::Items items, items_of(runtime.budget(), value));
  Value::Items kept;
  for (const Value& item : items) {
    TERN_RETURN_IF_ERROR(runtime.budget().step());
    Value tested = item;
    if (by_attribute) {
      TERN_ASSIGN_OR_RETURN(tested, follow_path(runtime, item, given[0]));
    }
    bool holds = tested.is_true();
    if (test != nullptr) {
      TERN_ASSIGN_OR_RETURN(holds, test(runtime, tested, rest));
    }
    if (holds == keep) kept.push_back(item);
  }
  return make_sequence(runtime.budget(), Sequence::Kind::kGenerator, std::move(kept));
}

constexpr std::array kSelectionFilters = {
    Filter{"map", map_filter},
    Filter{"reject", select_filter<false, false>},
    Filter{"rejectattr", select_filter<true, false>},
    Filter{"select", select_filter<false, true>},
    Filter{"selectattr", select_filter<true, true>},
};

}  // namespace

std::span<const Filter> selection_filters() { return kSelectionFilters; }

}  // namespace tern::jinja
