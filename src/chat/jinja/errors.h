// The kinds of errors a template can end in. Messages carry no position: the interpreter adds the
// one of the expression or statement that failed.
#pragma once

#include <utility>

#include "base/result.h"

namespace tern::jinja {

/// What Jinja refuses too: a syntax error, a wrong type, something undefined.
template <typename... Args>
Error template_error(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::kCorrupt, format, std::forward<Args>(args)...);
}

/// Valid Jinja that tern does not know.
template <typename... Args>
Error unsupported(fmt::format_string<Args...> format, Args&&... args) {
  return Error{ErrorCode::kUnsupported,
               "template not supported: " + fmt::format(format, std::forward<Args>(args)...),
               {}};
}

/// Valid, but beyond a limit of Limits.
template <typename... Args>
Error limit_error(fmt::format_string<Args...> format, Args&&... args) {
  return with_hint(
      Error{ErrorCode::kUnsupported,
            "the template exceeds a limit: " + fmt::format(format, std::forward<Args>(args)...),
            {}},
      "such a template loops, or is not meant for chat");
}

}  // namespace tern::jinja
