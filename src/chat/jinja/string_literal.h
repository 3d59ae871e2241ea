// Escapes in the strings of templates, which are Python's. Pure.
#pragma once

#include <string>
#include <string_view>

#include "tern/error.h"

namespace tern::jinja {

/// What stands between the quotes, with its escapes resolved; an unknown one stays as it is, as in
/// Python. kCorrupt: an escape cut short or beyond Unicode; kUnsupported: surrogates, names.
Result<std::string> unescape_string(std::string_view body);

}  // namespace tern::jinja
