// Shorthand for code that passes errors up. Included by .cpp files and internal headers only.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/escape.h"
#include "tern/error.h"

namespace tern {

/// Error with a formatted message, made one line, and no hint.
template <typename... Args>
Error make_error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error{code, escape_controls(fmt::format(format, std::forward<Args>(args)...)), {}};
}

/// The same error with `hint` as the advice to the user.
inline Error with_hint(Error error, std::string hint) {
  error.hint = std::move(hint);
  return error;
}

/// The same error with "prefix: " in front of its message.
inline Error with_context(Error error, const std::string& prefix) {
  error.message = escape_controls(prefix) + ": " + error.message;
  return error;
}

}  // namespace tern

#define TERN_CONCAT_INNER(a, b) a##b
#define TERN_CONCAT(a, b) TERN_CONCAT_INNER(a, b)

/// TERN_RETURN_IF_ERROR(expr): returns the Error of a failed Result<...> expression.
#define TERN_RETURN_IF_ERROR(expr)                   \
  do {                                               \
    if (auto tern_result_ = (expr); !tern_result_) { \
      return std::move(tern_result_).error();        \
    }                                                \
  } while (false)

// A declaration cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
/// TERN_ASSIGN_OR_RETURN(auto x, expr): x = value of expr, or returns its Error.
#define TERN_ASSIGN_OR_RETURN(declaration, expr) \
  TERN_ASSIGN_OR_RETURN_INNER(TERN_CONCAT(tern_result_, __LINE__), declaration, expr)
#define TERN_ASSIGN_OR_RETURN_INNER(temporary, declaration, expr) \
  auto temporary = (expr);                                        \
  if (!temporary) return std::move(temporary).error();            \
  declaration = std::move(temporary).value()
// NOLINTEND(bugprone-macro-parentheses)
