#include "escape.h"

#include <algorithm>

namespace tern::tools {

std::string escape_controls_in_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t n = std::min(text.find_first_of("\n\t"), text.size());
    out += escape_controls(text.substr(0, n));
    if (n < text.size()) out += text[n];
    text.remove_prefix(std::min(text.size(), n + 1));
  }
  return out;
}

std::string quote(std::string_view text) { return '"' + escape_controls(text, "\"\\") + '"'; }

}  // namespace tern::tools
