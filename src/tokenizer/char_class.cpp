#include "tokenizer/char_class.h"

#include <utf8proc.h>

namespace tern {
namespace {

// White_Space of the Unicode character database: stable since version 6.3. Not PCRE2's \s, which
// still counts U+180E.
constexpr bool is_white_space(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

utf8proc_category_t category(uint32_t code_point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
}

CharClass category_class(utf8proc_category_t category) {
  switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return kClassLetter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return kClassMark;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return kClassNumber;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return kClassPunctuation;
    default:
      return 0;
  }
}

constexpr CharClass ascii_class(uint32_t c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return kClassLetter;
  if (c >= '0' && c <= '9') return kClassNumber | kClassAsciiDigit;
  if (c == '\r' || c == '\n') return kClassSpace | kClassNewline;
  if (is_white_space(c)) return kClassSpace;
  // Printable ASCII that is left is punctuation, less the symbols of categories Sc, Sm and Sk.
  constexpr std::string_view kSymbols = "$+<=>^`|~";
  const bool printable = c > 0x20 && c < 0x7F;
  return printable && kSymbols.find(static_cast<char>(c)) == std::string_view::npos
             ? kClassPunctuation
             : CharClass{0};
}

constexpr std::array<CharClass, 128> make_ascii_classes() {
  std::array<CharClass, 128> classes{};
  for (uint32_t c = 0; c < 128; ++c) classes[c] = ascii_class(c);
  return classes;
}

}  // namespace

constexpr std::array<CharClass, 128> kAsciiClasses = make_ascii_classes();

CharClass char_class(uint32_t code_point) {
  if (code_point < 128) return kAsciiClasses[code_point];
  if (code_point > 0x10FFFF) return 0;
  const CharClass from_category = category_class(category(code_point));
  return is_white_space(code_point) ? static_cast<CharClass>(from_category | kClassSpace)
                                    : from_category;
}

bool is_word_char(uint32_t code_point) {
  if (code_point == 0x200C || code_point == 0x200D) return true;  // Join_Control
  // Other_Alphabetic symbols: circled and squared Latin letters.
  if ((code_point >= 0x24B6 && code_point <= 0x24E9) ||
      (code_point >= 0x1F130 && code_point <= 0x1F189)) {
    return true;
  }
  const utf8proc_category_t c = category(code_point);
  return (category_class(c) & (kClassLetter | kClassMark)) != 0 || c == UTF8PROC_CATEGORY_ND ||
         c == UTF8PROC_CATEGORY_NL || c == UTF8PROC_CATEGORY_PC;
}

}  // namespace tern
