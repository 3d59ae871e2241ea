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
  return with_context(make_error(ErrorCode::kUnsupported, format, std::forward<Args>(args)...),
                      "template not supported");
}

/// Valid, but beyond a limit of Limits.
template <typename... Args>
Error limit_error(fmt::format_string<Args...> format, Args&&... args) {
  return with_hint(
      with_context(make_error(ErrorCode::kUnsupported, format, std::forward<Args>(args)...),
                   "the template exceeds a limit"),
      "such a template loops, or is not meant for chat");
}

}  // namespace tern::jinja
