// Classes of characters that the pre-tokenizers ask for, from utf8proc's Unicode tables. Pure
// functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tokenizer/utf8.h"

namespace tern {

/// Bit set; a character may be in several classes. kClassEnd is beyond the last character.
using CharClass = uint8_t;
constexpr CharClass kClassLetter = 1;        // \p{L}
constexpr CharClass kClassNumber = 2;        // \p{N}
constexpr CharClass kClassSpace = 4;         // \s: Unicode White_Space
constexpr CharClass kClassMark = 8;          // \p{M}
constexpr CharClass kClassNewline = 16;      // CR and LF
constexpr CharClass kClassPunctuation = 32;  // \p{P}
constexpr CharClass kClassAsciiDigit = 64;   // [0-9]
constexpr CharClass kClassEnd = 128;

/// Class of any code point; unassigned ones and those above U+10FFFF have none.
CharClass char_class(uint32_t code_point);

/// \w as Unicode regular expressions have it: letters, marks, decimal and letter numbers,
/// connectors.
bool is_word_char(uint32_t code_point);

extern const std::array<CharClass, 128> kAsciiClasses;

struct ClassedChar {
  uint32_t code_point = 0;
  uint32_t n_bytes = 0;
  CharClass cls = kClassEnd;
};

/// The character at text[pos] with its class; an invalid byte is U+FFFD, in no class. At or beyond
/// the end: no bytes and kClassEnd.
inline ClassedChar classed_char(std::string_view text, size_t pos) {
  if (pos >= text.size()) return {};
  const auto first = static_cast<uint8_t>(text[pos]);
  if (first < 0x80) return {first, 1, kAsciiClasses[first]};
  const DecodedChar c = decode_utf8(text, pos);
  return {c.code_point, c.n_bytes, char_class(c.code_point)};
}

}  // namespace tern
