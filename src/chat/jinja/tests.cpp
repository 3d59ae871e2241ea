// What `is` and select() can ask for.
#include <array>

#include "chat/jinja/bind.h"
#include "chat/jinja/compare.h"
#include "chat/jinja/iterate.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "chat/jinja/registries.h"
#include "chat/jinja/runtime.h"

namespace tern::jinja {
namespace {

using Property = bool (*)(const Value& value);

// Tests without arguments that look at the value alone.
template <Property property>
Result<bool> has(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(runtime.budget().step());
  TERN_RETURN_IF_ERROR(bind("test", arguments, {}));
  return property(value);
}

bool is_defined(const Value& value) { return !value.is_undefined(); }
bool is_undefined(const Value& value) { return value.is_undefined(); }
bool is_none(const Value& value) { return value.is_none(); }
bool is_boolean(const Value& value) { return value.is_bool(); }
bool is_the_true(const Value& value) { return value.is_bool() && value.as_bool(); }
bool is_the_false(const Value& value) { return value.is_bool() && !value.as_bool(); }
bool is_integer(const Value& value) { return value.is_integer(); }
bool is_float(const Value& value) { return value.is_real(); }
bool is_number(const Value& value) { return value.as_number().has_value(); }
bool is_string(const Value& value) { return value.is_string(); }
bool is_mapping(const Value& value) { return value.is_dict(); }
bool is_sequence(const Value& value) {
  const Sequence* sequence = value.as_sequence();
  return value.is_undefined() || value.is_string() || value.is_dict() ||
         (sequence != nullptr && sequence->is_indexable());
}
bool is_callable(const Value& value) {
  // Undefined has a __call__, which raises.
  return value.is_undefined() || (value.as_object() != nullptr && value.as_object()->is_callable());
}
bool is_escaped(const Value& value) { return value.is_markup(); }

template <Order order>
Result<bool> ordered(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("test", arguments, {"b"}, 1));
  return is_ordered(runtime.budget(), order, value, bound[0]);
}

template <bool wanted>
Result<bool> equal_to(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("equalto", arguments, {"b"}, 1));
  TERN_ASSIGN_OR_RETURN(const bool equal, is_equal(runtime.budget(), value, bound[0]));
  return equal == wanted;
}

Result<bool> is_in(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("in", arguments, {"seq"}, 1));
  return contains(runtime.budget(), bound[0], value);
}

Result<bool> is_same(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("sameas", arguments, {"other"}, 1));
  const Value& other = bound[0];
  if (value.is_none() || other.is_none()) return value.is_none() && other.is_none();
  if (value.is_bool() || other.is_bool()) {
    return value.is_bool() && other.is_bool() && value.as_bool() == other.as_bool();
  }
  if (value.as_object() != nullptr) return value.as_object() == other.as_object();
  return unsupported("'sameas' for values of type '{}'", value.type_name());
}

Result<bool> divisible(Runtime& runtime, const Value& value, const Value& by) {
  TERN_ASSIGN_OR_RETURN(const Value remainder,
                        apply(runtime.budget(), BinaryOp::kModulo, value, by));
  const auto number = remainder.as_number();
  return number && number->is_zero();
}

Result<bool> is_divisible(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("divisibleby", arguments, {"num"}, 1));
  return divisible(runtime, value, bound[0]);
}

template <bool even>
Result<bool> has_parity(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("parity", arguments, {}));
  TERN_ASSIGN_OR_RETURN(const Value remainder,
                        apply(runtime.budget(), BinaryOp::kModulo, value, Value::integer(2)));
  const auto number = remainder.as_number();
  return number && number->real == (even ? 0.0 : 1.0);
}

// `is lower` and `is upper` ask the method of the value's text.
Result<bool> text_method_holds(Runtime& runtime, const Value& value, std::string_view method) {
  TERN_ASSIGN_OR_RETURN(Text text, to_text(runtime.budget(), value));
  TERN_ASSIGN_OR_RETURN(const auto found, find_method(Value::string(std::move(text)), method));
  TERN_ASSIGN_OR_RETURN(const Value holds, found->as_object()->call(runtime, {}));
  return holds.is_true();
}

Result<bool> is_lower(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("lower", arguments, {}));
  return text_method_holds(runtime, value, "islower");
}

Result<bool> is_upper(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("upper", arguments, {}));
  return text_method_holds(runtime, value, "isupper");
}

template <bool filter>
Result<bool> is_known(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind(filter ? "filter" : "test", arguments, {}));
  if (!value.is_string()) return false;
  return filter ? find_filter(value.as_bytes()) != nullptr : find_test(value.as_bytes()) != nullptr;
}

struct TestRow {
  std::string_view name;
  TestFn test;
};

constexpr std::array kTests = {
    TestRow{"defined", has<is_defined>},
    TestRow{"undefined", has<is_undefined>},
    TestRow{"none", has<is_none>},
    TestRow{"boolean", has<is_boolean>},
    TestRow{"true", has<is_the_true>},
    TestRow{"false", has<is_the_false>},
    TestRow{"integer", has<is_integer>},
    TestRow{"float", has<is_float>},
    TestRow{"number", has<is_number>},
    TestRow{"string", has<is_string>},
    TestRow{"mapping", has<is_mapping>},
    TestRow{"sequence", has<is_sequence>},
    TestRow{"iterable", has<is_iterable>},
    TestRow{"callable", has<is_callable>},
    TestRow{"escaped", has<is_escaped>},
    TestRow{"sameas", is_same},
    TestRow{"odd", has_parity<false>},
    TestRow{"even", has_parity<true>},
    TestRow{"divisibleby", is_divisible},
    TestRow{"lower", is_lower},
    TestRow{"upper", is_upper},
    TestRow{"in", is_in},
    TestRow{"filter", is_known<true>},
    TestRow{"test", is_known<false>},
    TestRow{"==", equal_to<true>},
    TestRow{"eq", equal_to<true>},
    TestRow{"equalto", equal_to<true>},
    TestRow{"!=", equal_to<false>},
    TestRow{"ne", equal_to<false>},
    TestRow{"<", ordered<Order::kLess>},
    TestRow{"lt", ordered<Order::kLess>},
    TestRow{"lessthan", ordered<Order::kLess>},
    TestRow{"<=", ordered<Order::kLessOrEqual>},
    TestRow{"le", ordered<Order::kLessOrEqual>},
    TestRow{">", ordered<Order::kGreater>},
    TestRow{"gt", ordered<Order::kGreater>},
    TestRow{"greaterthan", ordered<Order::kGreater>},
    TestRow{">=", ordered<Order::kGreaterOrEqual>},
    TestRow{"ge", ordered<Order::kGreaterOrEqual>},
};

}  // namespace

TestFn find_test(std::string_view name) {
  for (const TestRow& row : kTests) {
    if (row.name == name) return row.test;
  }
  return nullptr;
}

}  // namespace tern::jinja
