// Writing small JSON texts by hand, for layers that do without the JSON library. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace tern {

/// The text as a JSON string, quotes included: control characters, quotes and backslashes escaped
/// (by a letter where JSON has one), the rest as it is. REQUIRES: valid UTF-8, or the result is
/// none either.
std::string json_string(std::string_view text);

}  // namespace tern
