#include "chat/jinja/characters.h"

#include <utf8proc.h>

#include <algorithm>

#include "chat/jinja/errors.h"

namespace tern::jinja {
namespace {

utf8proc_category_t category(uint32_t code_point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
}

constexpr uint32_t kSharpS = 0xDF;
constexpr uint32_t kCapitalSigma = 0x3A3;  // lower case depends on whether a word ends there
constexpr uint32_t kDottedCapitalI = 0x130;

// Unicode's SpecialCasing.txt: characters whose upper or title case is more than one character.
constexpr bool grows_in_upper_case(uint32_t c) {
  return c == 0x149 || c == 0x1F0 || c == 0x390 || c == 0x3B0 || c == 0x587 ||
         (c >= 0x1E96 && c <= 0x1E9A) || c == 0x1F50 || c == 0x1F52 || c == 0x1F54 || c == 0x1F56 ||
         (c >= 0x1F80 && c <= 0x1FAF) || (c >= 0x1FB2 && c <= 0x1FB7) || c == 0x1FBC ||
         (c >= 0x1FC2 && c <= 0x1FC7) || c == 0x1FCC || (c >= 0x1FD2 && c <= 0x1FD7) ||
         (c >= 0x1FE2 && c <= 0x1FE7) || (c >= 0x1FF2 && c <= 0x1FF7) || c == 0x1FFC ||
         (c >= 0xFB00 && c <= 0xFB06) || (c >= 0xFB13 && c <= 0xFB17);
}

}  // namespace

size_t count_chars(std::string_view text) {
  size_t n = 0;
  for (size_t pos = 0; pos < text.size(); pos += char_size(text, pos)) ++n;
  return n;
}

size_t byte_of_char(std::string_view text, size_t index) {
  size_t pos = 0;
  for (; index > 0 && pos < text.size(); --index) pos += char_size(text, pos);
  return pos;
}

size_t char_begin_before(std::string_view text, size_t end) {
  // The longest character that ends there; a stray byte stands for itself.
  for (size_t n_bytes = std::min<size_t>(4, end); n_bytes > 1; --n_bytes) {
    const DecodedChar c = decode_utf8(text.substr(0, end), end - n_bytes);
    if (c.valid && c.n_bytes == n_bytes) return end - n_bytes;
  }
  return end - 1;
}

bool is_python_space(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

bool is_line_end(uint32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

Letter letter_class(uint32_t code_point) {
  switch (category(code_point)) {
    case UTF8PROC_CATEGORY_LU:
      return Letter::kUpper;
    case UTF8PROC_CATEGORY_LL:
      return Letter::kLower;
    case UTF8PROC_CATEGORY_LT:
      return Letter::kTitle;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return Letter::kOther;
    default:
      return Letter::kNone;
  }
}

bool is_alphanumeric(uint32_t code_point) {
  return letter_class(code_point) != Letter::kNone || is_decimal(code_point) ||
         is_other_number(code_point);
}

bool is_decimal(uint32_t code_point) { return category(code_point) == UTF8PROC_CATEGORY_ND; }

bool is_other_number(uint32_t code_point) {
  return category(code_point) == UTF8PROC_CATEGORY_NL ||
         category(code_point) == UTF8PROC_CATEGORY_NO;
}

bool is_printable(uint32_t code_point) {
  switch (category(code_point)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    case UTF8PROC_CATEGORY_ZS:
      return code_point == ' ';
    default:
      return true;
  }
}

Result<void> append_in_case(uint32_t c, Case wanted, std::string& out) {
  if (c < 0x80) {
    const bool is_lower = c >= 'a' && c <= 'z';
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool changes = wanted == Case::kLower ? is_upper : is_lower;
    out.push_back(static_cast<char>(changes ? c ^ 0x20 : c));
    return {};
  }
  if (c == kSharpS && wanted != Case::kLower) {
    out += wanted == Case::kUpper ? "SS" : "Ss";
    return {};
  }
  const bool special =
      wanted == Case::kLower ? c == kCapitalSigma || c == kDottedCapitalI : grows_in_upper_case(c);
  if (special) return unsupported("the case of the character U+{:04X}", c);
  const auto code_point = static_cast<utf8proc_int32_t>(c);
  const utf8proc_int32_t mapped = wanted == Case::kLower   ? utf8proc_tolower(code_point)
                                  : wanted == Case::kUpper ? utf8proc_toupper(code_point)
                                                           : utf8proc_totitle(code_point);
  append_utf8(static_cast<uint32_t>(mapped), out);
  return {};
}

}  // namespace tern::jinja
