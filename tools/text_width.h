// Text laid out in the columns of a terminal. Pure functions over UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tern::tools {

/// Columns that a terminal needs for it: 2 for wide characters, 0 for combining ones, 1 for a byte
/// that is not UTF-8.
size_t display_width(std::string_view text);

/// `text` between as many spaces as make it `width` columns wide; as it is when it is wider.
std::string align_left(std::string_view text, size_t width);
std::string align_right(std::string_view text, size_t width);
std::string align_center(std::string_view text, size_t width, char fill = ' ');

/// Lines of at most `width` columns, broken at spaces, joined by a newline and `indent` spaces. A
/// longer word has a line of its own.
std::string wrap(std::string_view text, size_t width, size_t indent);

}  // namespace tern::tools
