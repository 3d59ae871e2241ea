#include "text_width.h"

#include <utf8proc.h>

namespace tern::tools {

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    utf8proc_int32_t code_point = -1;
    const auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                    static_cast<utf8proc_ssize_t>(text.size()), &code_point);
    if (n > 0) width += static_cast<size_t>(utf8proc_charwidth(code_point));
    if (n <= 0) ++width;
    text.remove_prefix(n > 0 ? static_cast<size_t>(n) : 1);
  }
  return width;
}

std::string align_left(std::string_view text, size_t width) {
  const size_t used = display_width(text);
  return std::string(text) + std::string(width > used ? width - used : 0, ' ');
}

std::string align_right(std::string_view text, size_t width) {
  const size_t used = display_width(text);
  return std::string(width > used ? width - used : 0, ' ') + std::string(text);
}

std::string align_center(std::string_view text, size_t width, char fill) {
  const size_t used = display_width(text);
  const size_t free = width > used ? width - used : 0;
  return std::string(free / 2, fill) + std::string(text) + std::string(free - free / 2, fill);
}

std::string wrap(std::string_view text, size_t width, size_t indent) {
  std::string wrapped;
  size_t used = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size() < text.size() ? word.size() + 1 : word.size());
    const size_t word_width = display_width(word);
    if (wrapped.empty()) {
      used = word_width;
    } else if (used + 1 + word_width <= width) {
      wrapped += ' ';
      used += 1 + word_width;
    } else {
      wrapped += "\n" + std::string(indent, ' ');
      used = word_width;
    }
    wrapped += word;
  }
  return wrapped;
}

}  // namespace tern::tools
