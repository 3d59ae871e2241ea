// Text from files and arguments made safe to show on a terminal or in a line. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace tern::tools {

/// Control characters (C0, DEL, C1, those that change the writing direction) and bytes that are not
/// UTF-8 as \n, \t, \xNN, \uNNNN; the rest as it is. A file must not be able to send escape
/// sequences to the terminal through a message.
std::string escape_controls(std::string_view text);

/// The same, but newlines and tabs as they are: text of several lines for a terminal.
std::string escape_controls_in_lines(std::string_view text);

/// As escape_controls, in double quotes, with " and \ escaped too.
std::string quote(std::string_view text);

}  // namespace tern::tools
