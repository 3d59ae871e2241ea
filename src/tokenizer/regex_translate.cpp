#include "tokenizer/regex_translate.h"

#include <array>

#include "base/result.h"
#include "gguf/text.h"

namespace tern {
namespace {

using gguf::printable;

constexpr bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

constexpr bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  Result<std::string> run() {
    while (pos_ < pattern_.size()) {
      const char c = pattern_[pos_];
      if (c == '\\') {
        TERN_RETURN_IF_ERROR(escape(false));
      } else if (c == '[') {
        TERN_RETURN_IF_ERROR(char_class());
      } else if (c == '(') {
        TERN_RETURN_IF_ERROR(group());
      } else if (c == '{') {
        TERN_RETURN_IF_ERROR(interval());
      } else {
        out_.push_back(c);
        ++pos_;
      }
    }
    return std::move(out_);
  }

 private:
  bool next_is(std::string_view text) const { return pattern_.substr(pos_).starts_with(text); }

  Error refuse(std::string_view what) const {
    return with_hint(make_error(ErrorCode::kUnsupported,
                                "regular expression '{}': {} at position {} is not supported",
                                printable(pattern_), what, pos_),
                     "use a GGUF file of the model, which names its pre-tokenizer");
  }

  void take(size_t n) {
    out_.append(pattern_.substr(pos_, n));
    pos_ += n;
  }

  Result<void> hex_escape(size_t prefix, size_t max_digits) {
    size_t end = pos_ + prefix;
    while (end < pattern_.size() && end < pos_ + prefix + max_digits && is_hex(pattern_[end]))
      ++end;
    if (end == pos_ + prefix) return refuse("an empty hexadecimal escape");
    out_.append("\\x{").append(pattern_.substr(pos_ + prefix, end - pos_ - prefix)).append("}");
    pos_ = end;
    return {};
  }

  Result<void> property() {
    const size_t close = pattern_.find('}', pos_);
    if (pos_ + 2 >= pattern_.size() || pattern_[pos_ + 2] != '{' ||
        close == std::string_view::npos) {
      return refuse("a property escape without braces");
    }
    for (size_t i = pos_ + 3; i < close; ++i) {
      const char c = pattern_[i];
      if (!is_alnum(c) && c != '_' && !(c == '^' && i == pos_ + 3)) {
        return refuse("this property name");
      }
    }
    take(close + 1 - pos_);
    return {};
  }

  Result<void> escape(bool in_class) {
    if (pos_ + 1 >= pattern_.size()) return refuse("a trailing backslash");
    const char c = pattern_[pos_ + 1];
    switch (c) {
      case 's':  // PCRE2's own \s takes U+180E besides White_Space
        out_.append("\\p{White_Space}");
        break;
      case 'S':
        out_.append("\\P{White_Space}");
        break;
      case 'd':
        out_.append("\\p{Nd}");
        break;
      case 'D':
        out_.append("\\P{Nd}");
        break;
      case 'w':  // PCRE2 10.42 leaves out marks and connectors
        out_.append(in_class ? "\\p{L}\\p{M}\\p{Nd}\\p{Pc}" : "[\\p{L}\\p{M}\\p{Nd}\\p{Pc}]");
        break;
      case 'W':
        if (in_class) return refuse("\\W in a character class");
        out_.append("[^\\p{L}\\p{M}\\p{Nd}\\p{Pc}]");
        break;
      case 'v':  // any vertical space in PCRE2
        out_.append("\\x{0B}");
        break;
      case 'r':
      case 'n':
      case 't':
      case 'f':
      case 'a':
      case 'e':
        take(2);
        return {};
      case 'p':
      case 'P':
        return property();
      case 'u':
        return hex_escape(2, 4);
      case 'x':
        if (pos_ + 2 < pattern_.size() && pattern_[pos_ + 2] == '{') {
          const size_t close = pattern_.find('}', pos_);
          TERN_RETURN_IF_ERROR(hex_escape(3, 8));
          if (pos_ != close) return refuse("this hexadecimal escape");
          ++pos_;
          return {};
        }
        return hex_escape(2, 2);
      default:
        if (is_alnum(c) || static_cast<unsigned char>(c) >= 0x80) {
          return refuse("the escape " + printable(pattern_.substr(pos_, 2)));
        }
        take(2);
        return {};
    }
    pos_ += 2;
    return {};
  }

  Result<void> char_class() {
    take(1);
    if (next_is("^")) take(1);
    if (next_is("]")) return refuse("an empty character class");
    while (pos_ < pattern_.size() && pattern_[pos_] != ']') {
      if (pattern_[pos_] == '\\') {
        TERN_RETURN_IF_ERROR(escape(true));
      } else if (pattern_[pos_] == '[') {
        return refuse("a character class inside another");
      } else if (next_is("&&")) {
        return refuse("an intersection of character classes");
      } else {
        take(1);
      }
    }
    if (pos_ == pattern_.size()) return refuse("an unclosed character class");
    take(1);
    return {};
  }

  Result<void> group() {
    constexpr std::array<std::string_view, 7> kKnown = {"(?:",  "(?i:", "(?=", "(?!",
                                                        "(?<=", "(?<!", "(?>"};
    for (std::string_view opening : kKnown) {
      if (next_is(opening)) {
        take(opening.size());
        return {};
      }
    }
    if (next_is("(?")) return refuse("this kind of group");
    if (next_is("(*")) return refuse("a verb");
    take(1);
    return {};
  }

  Result<void> interval() {
    const size_t close = pattern_.find('}', pos_);
    if (close == std::string_view::npos) return refuse("an unclosed interval");
    std::string_view body = pattern_.substr(pos_ + 1, close - pos_ - 1);
    for (char c : body) {
      if ((c < '0' || c > '9') && c != ',') return refuse("this interval");
    }
    if (body.empty() || body == ",") return refuse("an empty interval");
    out_.append("{");
    if (body.front() == ',') out_.push_back('0');  // {,n} is {0,n}; literal text to PCRE2 10.42
    out_.append(body).append("}");
    pos_ = close + 1;
    // A + behind an interval repeats it in Ruby and makes it possessive in PCRE2.
    if (next_is("+")) return refuse("a + behind an interval");
    return {};
  }

  std::string_view pattern_;
  size_t pos_ = 0;
  std::string out_;
};

}  // namespace

Result<std::string> translate_regex(std::string_view pattern) { return Translator(pattern).run(); }

}  // namespace tern
