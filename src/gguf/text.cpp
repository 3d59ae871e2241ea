#include "gguf/text.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace tern::gguf {
namespace {

struct Decoded {
  uint32_t code_point = 0;
  size_t n_bytes = 0;  // 0: no well-formed UTF-8 here
};

Decoded decode_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  size_t n_bytes = 0;
  uint32_t smallest = 0;  // a longer form than needed is not well-formed
  uint32_t code_point = 0;
  if ((lead & 0xE0) == 0xC0) {
    n_bytes = 2, smallest = 0x80, code_point = lead & 0x1Fu;
  } else if ((lead & 0xF0) == 0xE0) {
    n_bytes = 3, smallest = 0x800, code_point = lead & 0x0Fu;
  } else if ((lead & 0xF8) == 0xF0) {
    n_bytes = 4, smallest = 0x10000, code_point = lead & 0x07u;
  } else {
    return {};
  }
  if (text.size() < n_bytes) return {};
  for (size_t i = 1; i < n_bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code_point = (code_point << 6) | (byte(i) & 0x3Fu);
  }
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < smallest || code_point > 0x10FFFF || surrogate) return {};
  return {code_point, n_bytes};
}

bool is_harmless(uint32_t c) {
  const auto in = [c](uint32_t first, uint32_t last) { return c >= first && c <= last; };
  const bool control = c < 0x20 || in(0x7F, 0x9F);
  // Soft hyphen, zero-width and bidi marks, line separators, byte-order mark, tag characters: they
  // hide or reorder what surrounds them.
  const bool invisible = c == 0xAD || c == 0x61C || in(0x200B, 0x200F) || in(0x2028, 0x202E) ||
                         in(0x2060, 0x206F) || c == 0xFEFF || in(0xE0000, 0xE0FFF);
  return !control && !invisible;
}

}  // namespace

std::string printable(std::string_view text, size_t max_bytes) {
  std::string out;
  auto append = std::back_inserter(out);
  size_t at = 0;
  while (at < text.size()) {
    if (at >= max_bytes) {
      out += "...";
      break;
    }
    const Decoded c = decode_utf8(text.substr(at));
    if (c.n_bytes == 0) {
      fmt::format_to(append, "\\x{:02x}", static_cast<uint8_t>(text[at]));
      at += 1;
      continue;
    }
    if (!is_harmless(c.code_point)) {
      fmt::format_to(append, "\\u{{{:x}}}", c.code_point);
    } else {
      if (c.code_point == '\\' || c.code_point == '\'') out += '\\';
      out += text.substr(at, c.n_bytes);
    }
    at += c.n_bytes;
  }
  return out;
}

}  // namespace tern::gguf
