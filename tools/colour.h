// What the terminal can show. Pure but for the environment.
#pragma once

#include <cstddef>

namespace tern::tools {

/// Only for terminals that know them, and not where NO_COLOR is set (https://no-color.org).
bool wants_colour(bool is_terminal);

/// The terminal that TERM names, if any, does not know how to move its cursor.
bool is_dumb_terminal();

/// Columns of the terminal that standard output is, now; 0 where it is none or does not tell.
size_t output_columns();

}  // namespace tern::tools
