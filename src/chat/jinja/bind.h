// Arguments matched with parameters the way Python does it.
#pragma once

#include <initializer_list>

#include "chat/jinja/errors.h"
#include "chat/jinja/object.h"

namespace tern::jinja {

/// Arguments by parameter. Borrows from the Arguments.
class Bound {
 public:
  bool has(size_t i) const { return values_[i] != nullptr; }
  /// REQUIRES: has(i), which holds for the required ones.
  const Value& operator[](size_t i) const { return *values_[i]; }

  /// The argument, or `fallback`. kCorrupt, naming the parameter, where the type is another.
  Result<int64_t> integer_or(size_t i, int64_t fallback) const;
  Result<bool> truth_or(size_t i, bool fallback) const;
  /// A text; none counts as absent.
  Result<std::optional<Text>> text_or_none(size_t i) const;
  Result<Text> text(size_t i) const;

 private:
  friend Result<Bound> bind(std::string_view, const Arguments&,
                            std::initializer_list<std::string_view>, size_t);
  std::string_view function_;
  std::vector<std::string_view> names_;
  std::vector<const Value*> values_;
};

/// `names` of the parameters in order, the first n_required of which must be given. kCorrupt as
/// Python's TypeError: too many, unknown, given twice, missing.
Result<Bound> bind(std::string_view function, const Arguments& arguments,
                   std::initializer_list<std::string_view> names, size_t n_required = 0);

}  // namespace tern::jinja
