// Filters that give numbers.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "chat/jinja/bind.h"
#include "chat/jinja/characters.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/iterate.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/runtime.h"
#include "chat/jinja/text_functions.h"

namespace tern::jinja {
namespace {

// What Python's int() and float() read besides plain ASCII digits: digits of other scripts,
// underscores between digits. No template is known to need it.
bool needs_python(std::string_view text) {
  return text.find('_') != std::string_view::npos ||
         std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

// A number in one of Python's notations, or nothing. Leading '+' is not read by from_chars.
std::string_view without_plus(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+') text.remove_prefix(1);
  return text;
}

Result<std::optional<int64_t>> parse_integer(std::string_view text) {
  const std::string_view digits = without_plus(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size() || digits.empty()) return std::optional<int64_t>();
  if (error == std::errc::result_out_of_range) {
    return unsupported("an integer that does not fit 64 bits");
  }
  return error == std::errc() ? std::optional<int64_t>(value) : std::optional<int64_t>();
}

Result<std::optional<double>> parse_real(std::string_view text) {
  const std::string_view digits = without_plus(text);
  // from_chars would take "nan(x)".
  if (digits.find('(') != std::string_view::npos) return std::optional<double>();
  double value = 0.0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size() || digits.empty()) return std::optional<double>();
  if (error == std::errc::result_out_of_range) return unsupported("a float out of range");
  return error == std::errc() ? std::optional<double>(value) : std::optional<double>();
}

Result<std::string> stripped(const Value& value) {
  const std::string text = strip(value.as_text(), Side::kBoth, std::nullopt).bytes();
  if (needs_python(text)) return unsupported("this notation of a number");
  return text;
}

Result<Value> int_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(runtime.budget().step());
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("int", arguments, {"default", "base"}));
  TERN_ASSIGN_OR_RETURN(const int64_t base, bound.integer_or(1, 10));
  if (base != 10) return unsupported("int() with another base than 10");
  const Value fallback = bound.has(0) ? bound[0] : Value::integer(0);
  if (const auto number = value.as_number()) {
    if (!number->is_float) return Value::integer(number->integer);
    if (std::isnan(number->real)) return fallback;
    TERN_ASSIGN_OR_RETURN(const int64_t whole, truncate_to_integer(number->real));
    return Value::integer(whole);
  }
  if (!value.is_string()) {
    if (value.is_undefined()) return template_error("{}", value.undefined_message());
    return fallback;
  }
  TERN_ASSIGN_OR_RETURN(const std::string text, stripped(value));
  TERN_ASSIGN_OR_RETURN(const auto integer, parse_integer(text));
  if (integer) return Value::integer(*integer);
  TERN_ASSIGN_OR_RETURN(const auto real, parse_real(text));
  if (!real || std::isnan(*real)) return fallback;
  TERN_ASSIGN_OR_RETURN(const int64_t whole, truncate_to_integer(*real));
  return Value::integer(whole);
}

Result<Value> float_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(runtime.budget().step());
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("float", arguments, {"default"}));
  if (const auto number = value.as_number()) return Value::real(number->real);
  const Value fallback = bound.has(0) ? bound[0] : Value::real(0.0);
  if (!value.is_string()) {
    if (value.is_undefined()) return template_error("{}", value.undefined_message());
    return fallback;
  }
  TERN_ASSIGN_OR_RETURN(const std::string text, stripped(value));
  TERN_ASSIGN_OR_RETURN(const auto real, parse_real(text));
  return real ? Value::real(*real) : fallback;
}

Result<Value> abs_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(runtime.budget().step());
  TERN_RETURN_IF_ERROR(bind("abs", arguments, {}));
  const auto number = value.as_number();
  if (number && number->is_float) return Value::real(std::fabs(number->real));
  if (number && number->integer >= 0) return Value::integer(number->integer);
  return apply(UnaryOp::kNegate, value);
}

// Correctly rounded from the exact value, halves to even, as Python's round().
double round_decimals(double value, int decimals) {
  if (!std::isfinite(value)) return value;
  const std::string text = fmt::format("{:.{}f}", value, decimals);
  double rounded = 0.0;
  std::from_chars(text.data(), text.data() + text.size(), rounded);
  return rounded;
}

Result<Value> round_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(runtime.budget().step());
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("round", arguments, {"precision", "method"}));
  TERN_ASSIGN_OR_RETURN(const int64_t precision, bound.integer_or(0, 0));
  Text method("common", Origin::kTemplate);
  if (bound.has(1)) {
    TERN_ASSIGN_OR_RETURN(method, bound.text(1));
  }
  const auto number = value.as_number();
  if (!number) {
    if (value.is_undefined()) return template_error("{}", value.undefined_message());
    return template_error("a value of type '{}' cannot be rounded", value.type_name());
  }
  constexpr int64_t kMaxPrecision = 15;
  if (precision < 0 || precision > kMaxPrecision) {
    return unsupported("rounding to {} decimals", precision);
  }
  if (method.bytes() == "common") {
    if (!number->is_float) return Value::integer(number->integer);
    return Value::real(round_decimals(number->real, static_cast<int>(precision)));
  }
  if (method.bytes() != "ceil" && method.bytes() != "floor") {
    return template_error("round(): the method must be common, ceil or floor");
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = number->real * scale;
  if (!std::isfinite(scaled)) return template_error("round(): the number is too large");
  return Value::real((method.bytes() == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

Result<Value> length_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_RETURN_IF_ERROR(bind("length", arguments, {}));
  TERN_ASSIGN_OR_RETURN(const int64_t length, length_of(runtime.budget(), value));
  return Value::integer(length);
}

Result<Value> sum_filter(Runtime& runtime, const Value& value, const Arguments& arguments) {
  TERN_ASSIGN_OR_RETURN(const Bound bound, bind("sum", arguments, {"attribute", "start"}));
  TERN_ASSIGN_OR_RETURN(const Value::Items items, items_of(runtime.budget(), value));
  Value total = bound.has(1) ? bound[1] : Value::integer(0);
  if (total.is_string()) return template_error("sum() cannot add texts");
  for (Value item : items) {
    if (bound.has(0) && !bound[0].is_none()) {
      TERN_ASSIGN_OR_RETURN(item, follow_path(runtime, item, bound[0]));
    }
    TERN_RETURN_IF_ERROR(runtime.budget().step());
    TERN_ASSIGN_OR_RETURN(total, apply(runtime.budget(), BinaryOp::kAdd, total, item));
  }
  return total;
}

constexpr std::array kNumberFilters = {
    Filter{"abs", abs_filter}, Filter{"count", length_filter},  Filter{"float", float_filter},
    Filter{"int", int_filter}, Filter{"length", length_filter}, Filter{"round", round_filter},
    Filter{"sum", sum_filter},
};

}  // namespace

std::span<const Filter> number_filters() { return kNumberFilters; }

}  // namespace tern::jinja
