#include "chat/jinja/string_literal.h"

#include <charconv>

#include "chat/jinja/errors.h"
#include "tokenizer/utf8.h"

namespace tern::jinja {
namespace {

Result<void> append_code_point(uint32_t code_point, std::string& out) {
  if (code_point > 0x10FFFF) return template_error("a character beyond Unicode");
  if (code_point >= 0xD800 && code_point <= 0xDFFF) {
    return unsupported("half a surrogate pair as a character");
  }
  append_utf8(code_point, out);
  return {};
}

// Exactly n hexadecimal digits at body[pos].
Result<uint32_t> hex_digits(std::string_view body, size_t pos, size_t n) {
  uint32_t value = 0;
  if (pos + n <= body.size()) {
    const char* begin = body.data() + pos;
    if (std::from_chars(begin, begin + n, value, 16).ptr == begin + n) return value;
  }
  return template_error("an escape needs {} hexadecimal digits", n);
}

// Character of a one-letter escape; 0: none.
char simple_escape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case '\\':
    case '\'':
    case '"':
      return c;
    default:
      return '\0';
  }
}

bool is_octal(std::string_view body, size_t pos) {
  return pos < body.size() && body[pos] >= '0' && body[pos] <= '7';
}

}  // namespace

Result<std::string> unescape_string(std::string_view body) {
  std::string out;
  for (size_t pos = 0; pos < body.size();) {
    if (body[pos] != '\\' || pos + 1 >= body.size()) {
      out.push_back(body[pos++]);
      continue;
    }
    const char c = body[pos + 1];
    pos += 2;
    if (const char plain = simple_escape(c); plain != '\0') {
      out.push_back(plain);
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const size_t n = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      TERN_ASSIGN_OR_RETURN(const uint32_t code_point, hex_digits(body, pos, n));
      TERN_RETURN_IF_ERROR(append_code_point(code_point, out));
      pos += n;
    } else if (is_octal(body, pos - 1)) {
      uint32_t value = 0;
      --pos;
      for (int i = 0; i < 3 && is_octal(body, pos); ++i) {
        value = value * 8 + static_cast<uint32_t>(body[pos++] - '0');
      }
      TERN_RETURN_IF_ERROR(append_code_point(value, out));
    } else if (c == 'N') {
      return unsupported("characters by name");
    } else if (c != '\n') {  // a backslash at the end of a line joins it with the next
      out.push_back('\\');
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace tern::jinja
