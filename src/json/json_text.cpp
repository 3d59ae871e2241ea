#include "json/json_text.h"

#include <fmt/format.h>

namespace tern {
namespace {

// The letter behind the backslash, where JSON has one for the character; else 0.
char escape_letter(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return '\0';
  }
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (const char letter = escape_letter(c); letter != '\0') {
      json += '\\';
      json += letter;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      json += c;
    }
  }
  return json + "\"";
}

}  // namespace tern
