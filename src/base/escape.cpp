#include "base/escape.h"

#include <fmt/format.h>

#include <cstdint>

namespace tern {
namespace {

/// Bytes of the well-formed UTF-8 character at text[pos], 0 when there is none.
size_t utf8_length(std::string_view text, size_t pos) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[pos + i]); };
  const auto follows = [&](size_t i) { return pos + i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (!follows(1) || !follows(2)) return 0;
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    const bool overlong = lead == 0xf0 && byte(1) < 0x90;
    const bool beyond = lead == 0xf4 && byte(1) >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

/// Overrides and isolates of the writing direction (U+202A to U+202E, U+2066 to U+2069): they make
/// a terminal show what follows in another order than it is written in.
bool is_bidi_control(std::string_view character) {
  if (character.size() != 3 || character[0] != '\xe2') return false;
  const auto last = static_cast<uint8_t>(character[2]);
  return (character[1] == '\x80' && last >= 0xaa && last <= 0xae) ||
         (character[1] == '\x81' && last >= 0xa6 && last <= 0xa9);
}

}  // namespace

std::string escape_controls(std::string_view text, std::string_view also) {
  std::string out;
  for (size_t pos = 0; pos < text.size();) {
    const auto byte = static_cast<uint8_t>(text[pos]);
    const size_t n = utf8_length(text, pos);
    // C1 controls are U+0080 to U+009F; some terminals obey them.
    const bool is_c1 = n == 2 && byte == 0xc2 && static_cast<uint8_t>(text[pos + 1]) < 0xa0;
    if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte == '\r') {
      out += "\\r";
    } else if (n == 0 || byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (is_c1) {
      out += fmt::format("\\u{:04x}", static_cast<uint8_t>(text[pos + 1]));
    } else if (is_bidi_control(text.substr(pos, n))) {
      const unsigned high = text[pos + 1] == '\x80' ? 0x2000 : 0x2040;
      out += fmt::format("\\u{:04x}", high + (static_cast<uint8_t>(text[pos + 2]) & 0x3f));
    } else {
      if (n == 1 && also.find(text[pos]) != std::string_view::npos) out += '\\';
      out.append(text.substr(pos, n));
    }
    pos += n == 0 ? 1 : n;
  }
  return out;
}

}  // namespace tern
