// Regular expressions of tokenizer.json are written for Oniguruma (Ruby syntax); PCRE2 reads some
// of them differently. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "tern/error.h"

namespace tern {

/// The expression with the same meaning for PCRE2 (options UTF, UCP, MULTILINE). Only constructs
/// known to mean the same, or that can be rewritten, are let through: kUnsupported names any other.
Result<std::string> translate_regex(std::string_view pattern);

}  // namespace tern
