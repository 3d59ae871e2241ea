// Text made fit for a line that a terminal only shows. Pure function.
#pragma once

#include <string>
#include <string_view>

namespace tern {

/// Control characters (C0, C1, DEL), overrides of the writing direction and bytes that are no UTF-8
/// as \n, \x1b, \u202e; a backslash in front of the characters of `also`. Errors and log lines are
/// made with it, a net below those who quote what a stranger wrote.
std::string escape_controls(std::string_view text, std::string_view also = {});

}  // namespace tern
