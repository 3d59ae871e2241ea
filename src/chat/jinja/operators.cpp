#include "chat/jinja/operators.h"

#include <cmath>

#include "chat/jinja/errors.h"
#include "chat/jinja/iterate.h"
#include "chat/jinja/print.h"

namespace tern::jinja {
namespace {

Error too_large() { return unsupported("an integer that does not fit 64 bits"); }

Error division_by_zero() { return template_error("division by zero"); }

Result<int64_t> integer_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return too_large();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return too_large();
  }
  return result;
}

Result<Value> integer_result(BinaryOp op, int64_t a, int64_t b) {
  int64_t out = 0;
  switch (op) {
    case BinaryOp::kAdd:
      if (__builtin_add_overflow(a, b, &out)) return too_large();
      return Value::integer(out);
    case BinaryOp::kSubtract:
      if (__builtin_sub_overflow(a, b, &out)) return too_large();
      return Value::integer(out);
    case BinaryOp::kMultiply:
      if (__builtin_mul_overflow(a, b, &out)) return too_large();
      return Value::integer(out);
    case BinaryOp::kFloorDivide:
    case BinaryOp::kModulo: {
      if (b == 0) return division_by_zero();
      if (b == -1) {  // the one quotient that may not fit
        if (op == BinaryOp::kModulo) return Value::integer(0);
        if (__builtin_sub_overflow(int64_t{0}, a, &out)) return too_large();
        return Value::integer(out);
      }
      const int64_t remainder = a % b;
      const bool away = remainder != 0 && (remainder < 0) != (b < 0);
      if (op == BinaryOp::kModulo) return Value::integer(away ? remainder + b : remainder);
      return Value::integer(a / b - (away ? 1 : 0));
    }
    case BinaryOp::kPower: {
      TERN_ASSIGN_OR_RETURN(out, integer_power(a, b));
      return Value::integer(out);
    }
    case BinaryOp::kDivide:
      break;
  }
  // Python divides the exact integers and rounds once; beyond 2^53 two roundings could differ.
  constexpr int64_t kExact = int64_t{1} << 53;
  if (b == 0) return division_by_zero();
  if (a < -kExact || a > kExact || b < -kExact || b > kExact) {
    return unsupported("a quotient of integers beyond 2^53");
  }
  return Value::real(static_cast<double>(a) / static_cast<double>(b));
}

Result<Value> real_result(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd:
      return Value::real(a + b);
    case BinaryOp::kSubtract:
      return Value::real(a - b);
    case BinaryOp::kMultiply:
      return Value::real(a * b);
    case BinaryOp::kDivide:
      if (b == 0.0) return division_by_zero();
      return Value::real(a / b);
    case BinaryOp::kFloorDivide:
    case BinaryOp::kModulo: {
      if (b == 0.0) return division_by_zero();
      // As Python's float_divmod: the remainder takes the divisor's sign.
      double remainder = std::fmod(a, b);
      double quotient = (a - remainder) / b;
      if (remainder != 0.0) {
        if ((b < 0) != (remainder < 0)) {
          remainder += b;
          quotient -= 1.0;
        }
      } else {
        remainder = std::copysign(0.0, b);
      }
      if (op == BinaryOp::kModulo) return Value::real(remainder);
      if (quotient == 0.0) return Value::real(std::copysign(0.0, a / b));
      const double whole = std::floor(quotient);
      return Value::real(quotient - whole > 0.5 ? whole + 1.0 : whole);
    }
    case BinaryOp::kPower:
      break;
  }
  if (a == 0.0 && b < 0.0) return template_error("0.0 cannot be raised to a negative power");
  const double power = std::pow(a, b);
  if (a < 0.0 && std::isfinite(b) && b != std::floor(b)) return unsupported("complex numbers");
  if (std::isinf(power) && std::isfinite(a) && std::isfinite(b)) {
    return template_error("the power is too large for a float");
  }
  return Value::real(power);
}

Error wrong_types(BinaryOp op, const Value& left, const Value& right) {
  for (const Value* value : {&left, &right}) {
    if (value->is_undefined()) return template_error("{}", value->undefined_message());
  }
  return template_error("'{}' does not go with '{}' and '{}'", symbol_of(op), left.type_name(),
                        right.type_name());
}

bool is_repeatable(const Value& value) {
  const Sequence* sequence = value.as_sequence();
  return value.is_string() || (sequence != nullptr && (sequence->kind == Sequence::Kind::kList ||
                                                       sequence->kind == Sequence::Kind::kTuple));
}

Result<Value> repeat(Budget& budget, const Value& value, int64_t count) {
  const auto n = static_cast<size_t>(count < 0 ? 0 : count);
  size_t n_bytes = 0;
  const Sequence* sequence = value.as_sequence();
  const size_t one =
      sequence == nullptr ? value.as_text().size() : list_bytes(sequence->items.size());
  if (__builtin_mul_overflow(one, n, &n_bytes)) n_bytes = SIZE_MAX;
  TERN_RETURN_IF_ERROR(budget.allocate(n_bytes));
  if (sequence == nullptr) {
    Text text;
    for (size_t i = 0; one > 0 && i < n; ++i) text.append(value.as_text());
    return Value::string(std::move(text));
  }
  Value::Items items;
  for (size_t i = 0; one > 0 && i < n; ++i) {
    items.insert(items.end(), sequence->items.begin(), sequence->items.end());
  }
  return make_sequence(budget, sequence->kind, std::move(items));
}

Result<Value> join_sequences(Budget& budget, const Value& left, const Value& right) {
  const Sequence& a = *left.as_sequence();
  const Sequence& b = *right.as_sequence();
  TERN_RETURN_IF_ERROR(budget.allocate(list_bytes(a.items.size() + b.items.size())));
  Value::Items items = a.items;
  items.insert(items.end(), b.items.begin(), b.items.end());
  return make_sequence(budget, a.kind, std::move(items));
}

}  // namespace

const char* symbol_of(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd:
      return "+";
    case BinaryOp::kSubtract:
      return "-";
    case BinaryOp::kMultiply:
      return "*";
    case BinaryOp::kDivide:
      return "/";
    case BinaryOp::kFloorDivide:
      return "//";
    case BinaryOp::kModulo:
      return "%";
    case BinaryOp::kPower:
      break;
  }
  return "**";
}

Result<Value> apply(Budget& budget, BinaryOp op, const Value& left, const Value& right) {
  TERN_RETURN_IF_ERROR(refuse_markup(left));
  TERN_RETURN_IF_ERROR(refuse_markup(right));
  const auto a = left.as_number();
  const auto b = right.as_number();
  if (a && b) {
    if (a->is_float || b->is_float) return real_result(op, a->real, b->real);
    if (op == BinaryOp::kPower && b->integer < 0) return real_result(op, a->real, b->real);
    return integer_result(op, a->integer, b->integer);
  }
  if (op == BinaryOp::kAdd && left.is_string() && right.is_string()) {
    TERN_RETURN_IF_ERROR(budget.allocate(left.as_text().size() + right.as_text().size()));
    Text text = left.as_text();
    text.append(right.as_text());
    return Value::string(std::move(text));
  }
  if (op == BinaryOp::kAdd && is_repeatable(left) && is_repeatable(right) &&
      left.type_name() == right.type_name()) {
    return join_sequences(budget, left, right);
  }
  if (op == BinaryOp::kMultiply && is_repeatable(left) && b && !b->is_float) {
    return repeat(budget, left, b->integer);
  }
  if (op == BinaryOp::kMultiply && is_repeatable(right) && a && !a->is_float) {
    return repeat(budget, right, a->integer);
  }
  if (op == BinaryOp::kModulo && left.is_string()) return unsupported("'%' of texts");
  return wrong_types(op, left, right);
}

Result<Value> apply(UnaryOp op, const Value& value) {
  const auto number = value.as_number();
  if (!number) {
    if (value.is_undefined()) return template_error("{}", value.undefined_message());
    return template_error("a value of type '{}' has no sign", value.type_name());
  }
  if (number->is_float) return Value::real(op == UnaryOp::kPlus ? number->real : -number->real);
  if (op == UnaryOp::kPlus) return Value::integer(number->integer);
  int64_t out = 0;
  if (__builtin_sub_overflow(int64_t{0}, number->integer, &out)) return too_large();
  return Value::integer(out);
}

Result<Value> concatenate(Budget& budget, const std::vector<Value>& values) {
  Text out;
  for (const Value& value : values) {
    TERN_RETURN_IF_ERROR(refuse_markup(value));
    TERN_ASSIGN_OR_RETURN(const Text text, to_text(budget, value));
    TERN_RETURN_IF_ERROR(budget.allocate(text.size()));
    out.append(text);
  }
  return Value::string(std::move(out));
}

Result<void> refuse_markup(const Value& value) {
  if (value.is_markup()) {
    return unsupported("working on what 'safe' or 'escape' gave, other than writing it");
  }
  return {};
}

Result<int64_t> truncate_to_integer(double value) {
  if (!std::isfinite(value)) return template_error("{} is no integer", float_text(value));
  constexpr double kTwo63 = 9223372036854775808.0;
  if (value >= kTwo63 || value < -kTwo63) return too_large();
  return static_cast<int64_t>(value);
}

}  // namespace tern::jinja
