// Characters as Python sees them in texts of UTF-8: positions are code points, classes and case
// come from utf8proc's tables. A byte that belongs to no character counts as one. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tern/error.h"
#include "tokenizer/utf8.h"

namespace tern::jinja {

/// Bytes of the character at text[pos]. REQUIRES: pos < text.size().
inline size_t char_size(std::string_view text, size_t pos) {
  return (text[pos] & 0x80) == 0 ? 1 : decode_utf8(text, pos).n_bytes;
}
size_t count_chars(std::string_view text);
/// Byte at which the character `index` begins; the end where there are no more. Linear.
size_t byte_of_char(std::string_view text, size_t index);
/// Begin of the character that ends at text[end]. REQUIRES: 0 < end <= size.
size_t char_begin_before(std::string_view text, size_t end);

/// str.isspace() of one character: what strip() and split() take away.
bool is_python_space(uint32_t code_point);
/// Where splitlines() splits; \r\n is one.
bool is_line_end(uint32_t code_point);

enum class Letter { kNone, kUpper, kLower, kTitle, kOther };
/// Letters by case; kOther has none.
Letter letter_class(uint32_t code_point);
/// Letters, and numbers of any kind.
bool is_alphanumeric(uint32_t code_point);
/// Decimal digits of any script.
bool is_decimal(uint32_t code_point);
/// Superscripts, fractions and the like.
bool is_other_number(uint32_t code_point);
/// Whether repr() shows it as it is.
bool is_printable(uint32_t code_point);

enum class Case { kUpper, kLower, kTitle };
/// Appends the character in that case. kUnsupported for the few that change with their neighbours
/// or become several, other than the German sharp s.
Result<void> append_in_case(uint32_t code_point, Case wanted, std::string& out);

}  // namespace tern::jinja
