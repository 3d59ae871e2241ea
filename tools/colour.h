// Whether to write colours. Pure but for the environment.
#pragma once

namespace tern::tools {

/// Only for terminals that know them, and not where NO_COLOR is set (https://no-color.org).
bool wants_colour(bool is_terminal);

}  // namespace tern::tools
