// Text from files and arguments made safe to show on a terminal or in a line. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/escape.h"

namespace tern::tools {

/// escape_controls(), but newlines and tabs as they are: text of several lines for a terminal.
std::string escape_controls_in_lines(std::string_view text);

/// As escape_controls, in double quotes, with " and \ escaped too.
std::string quote(std::string_view text);

}  // namespace tern::tools
