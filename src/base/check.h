// Checks for bugs in tern. Input from users or files never reaches one unvalidated.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace tern {

[[noreturn]] inline void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "tern: internal error: %s:%d: check failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace tern

/// Always checked.
#define TERN_CHECK(expression) \
  ((expression) ? static_cast<void>(0) : ::tern::check_failed(#expression, __FILE__, __LINE__))

/// Checked in debug builds; the expression is not evaluated in release builds.
#ifdef NDEBUG
#define TERN_DCHECK(expression) static_cast<void>(sizeof(!(expression)))
#else
#define TERN_DCHECK(expression) TERN_CHECK(expression)
#endif
