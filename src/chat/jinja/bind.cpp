#include "chat/jinja/bind.h"

#include <algorithm>

#include "chat/jinja/operators.h"
#include "gguf/text.h"

namespace tern::jinja {
namespace {

Error wrong_type(std::string_view function, std::string_view name, std::string_view expected,
                 const Value& value) {
  if (value.is_undefined()) return template_error("{}", value.undefined_message());
  return template_error("'{}' of {}() must be {}, not '{}'", name, function, expected,
                        value.type_name());
}

}  // namespace

Result<Bound> bind(std::string_view function, const Arguments& arguments,
                   std::initializer_list<std::string_view> names, size_t n_required) {
  Bound bound;
  bound.function_ = function;
  bound.names_ = names;
  bound.values_.resize(names.size());
  if (arguments.positional.size() > names.size()) {
    return template_error("{}() takes at most {} arguments, not {}", function, names.size(),
                          arguments.positional.size());
  }
  for (size_t i = 0; i < arguments.positional.size(); ++i) {
    TERN_RETURN_IF_ERROR(refuse_markup(arguments.positional[i]));
    bound.values_[i] = &arguments.positional[i];
  }
  for (const auto& [name, value] : arguments.named) {
    TERN_RETURN_IF_ERROR(refuse_markup(value));
    const auto it = std::find(bound.names_.begin(), bound.names_.end(), name);
    if (it == bound.names_.end()) {
      return template_error("{}() has no argument '{}'", function, gguf::printable(name));
    }
    const Value*& slot = bound.values_[static_cast<size_t>(it - bound.names_.begin())];
    if (slot != nullptr) return template_error("{}() was given '{}' twice", function, name);
    slot = &value;
  }
  for (size_t i = 0; i < n_required; ++i) {
    if (bound.values_[i] == nullptr) {
      return template_error("{}() needs the argument '{}'", function, bound.names_[i]);
    }
  }
  return bound;
}

Result<int64_t> Bound::integer_or(size_t i, int64_t fallback) const {
  if (!has(i)) return fallback;
  const auto number = (*this)[i].as_number();
  if (!number || number->is_float) {
    return wrong_type(function_, names_[i], "an integer", (*this)[i]);
  }
  return number->integer;
}

Result<bool> Bound::truth_or(size_t i, bool fallback) const {
  return has(i) ? (*this)[i].is_true() : fallback;
}

Result<std::optional<Text>> Bound::text_or_none(size_t i) const {
  if (!has(i) || (*this)[i].is_none()) return std::optional<Text>();
  TERN_ASSIGN_OR_RETURN(Text given, text(i));
  return std::optional<Text>(std::move(given));
}

Result<Text> Bound::text(size_t i) const {
  const Value& value = (*this)[i];
  if (!value.is_string()) return wrong_type(function_, names_[i], "a text", value);
  return value.as_text();
}

}  // namespace tern::jinja
