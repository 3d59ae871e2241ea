#include "grammar/string_pattern.h"

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "gguf/text.h"
#include "grammar/json_expressions.h"
#include "tokenizer/utf8.h"

namespace tern::grammar {
namespace {

using Ranges = std::vector<CodePointRange>;

constexpr size_t kMaxQuotedPattern = 256;  // bytes of the pattern in a message
constexpr int kMaxPatternNesting = 64;
constexpr uint32_t kMaxPatternCount = 1u << 16;

class PatternParser {
 public:
  explicit PatternParser(std::string_view pattern) : pattern_(pattern) {}

  Result<Expression> parse() {
    const Expression anything = repeat(json_any_string_character(), 0, Expression::kUnbounded);
    std::vector<Expression> parts = {literal("\"")};
    if (!take("^")) parts.push_back(anything);
    TERN_ASSIGN_OR_RETURN(Expression body, parse_choice(0));
    const bool is_anchored = take("$");
    if (pos_ < pattern_.size()) {
      return peek() == ')' ? bad("a ) without its (") : unsupported("an anchor inside");
    }
    if ((n_top_choices_ > 1) && (parts.size() == 1 || is_anchored)) {
      return unsupported("an anchor beside |; put the alternatives in parentheses");
    }
    parts.push_back(std::move(body));
    if (!is_anchored) parts.push_back(anything);
    parts.push_back(literal("\""));
    return sequence(std::move(parts));
  }

 private:
  Error bad(const std::string& what) const {
    return make_error(ErrorCode::kUsage, "pattern \"{}\", behind {} bytes: {}",
                      gguf::printable(pattern_, kMaxQuotedPattern), pos_, what);
  }
  Error unsupported(const std::string& what) const {
    return make_error(ErrorCode::kUnsupported, "pattern \"{}\", behind {} bytes: not supported: {}",
                      gguf::printable(pattern_, kMaxQuotedPattern), pos_, what);
  }

  char peek(size_t ahead = 0) const {
    return pos_ + ahead < pattern_.size() ? pattern_[pos_ + ahead] : '\0';
  }
  bool take(std::string_view expected) {
    if (pattern_.substr(pos_, expected.size()) != expected) return false;
    pos_ += expected.size();
    return true;
  }

  Result<Expression> parse_choice(int depth) {
    std::vector<Expression> alternatives;
    do {
      std::vector<Expression> parts;
      while (pos_ < pattern_.size() && peek() != '|' && peek() != ')' && peek() != '$') {
        TERN_ASSIGN_OR_RETURN(Expression part, parse_atom(depth));
        TERN_ASSIGN_OR_RETURN(part, parse_counts(std::move(part)));
        parts.push_back(std::move(part));
      }
      alternatives.push_back(sequence(std::move(parts)));
    } while (take("|"));
    if (depth == 0) n_top_choices_ = alternatives.size();
    return choice(std::move(alternatives));
  }

  Result<Expression> parse_atom(int depth) {
    if (peek() == '(') {
      if (depth >= kMaxPatternNesting) return bad("parentheses are nested too deeply");
      ++pos_;
      if (peek() == '?' && !take("?:")) return unsupported("groups that begin with (?");
      TERN_ASSIGN_OR_RETURN(Expression inner, parse_choice(depth + 1));
      if (peek() == '$') return unsupported("an anchor inside");
      if (!take(")")) return bad("expected )");
      return inner;
    }
    if (peek() == '[') {
      ++pos_;
      return parse_class();
    }
    if (take(".")) return json_string_character(complement({{'\n', '\n'}, {'\r', '\r'}}));
    if (peek() == '^') return unsupported("an anchor inside");
    if (peek() == '*' || peek() == '+' || peek() == '?' || peek() == '{') {
      return bad("nothing to repeat");
    }
    TERN_ASSIGN_OR_RETURN(const Ranges ranges, parse_char());
    return json_string_character(ranges);
  }

  // One character, or the class that an escape stands for.
  Result<Ranges> parse_char() {
    if (!take("\\")) {
      const DecodedChar c = decode_utf8(pattern_, pos_);
      if (!c.valid) return bad("this is not UTF-8");
      pos_ += c.n_bytes;
      return Ranges{{c.code_point, c.code_point}};
    }
    const Ranges digits = {{'0', '9'}};
    const Ranges words = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    const Ranges blanks = {{'\t', '\r'},     {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680},
                           {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                           {0x3000, 0x3000}, {0xfeff, 0xfeff}};
    const char kind = peek();
    if (pos_ < pattern_.size()) ++pos_;
    const auto one = [](char c) {
      return Ranges{{static_cast<unsigned char>(c), static_cast<unsigned char>(c)}};
    };
    switch (kind) {
      case 'd':
        return digits;
      case 'D':
        return complement(digits);
      case 'w':
        return words;
      case 'W':
        return complement(words);
      case 's':
        return blanks;
      case 'S':
        return complement(blanks);
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 't':
        return one('\t');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      default:
        break;
    }
    const bool is_letter_or_digit = (kind >= '0' && kind <= '9') || (kind >= 'a' && kind <= 'z') ||
                                    (kind >= 'A' && kind <= 'Z');
    if (kind == '\0' || is_letter_or_digit || static_cast<unsigned char>(kind) >= 0x80) {
      return unsupported(fmt::format("the escape \\{}", kind == '\0' ? ' ' : kind));
    }
    return one(kind);
  }

  Result<Expression> parse_class() {
    const bool is_negated = take("^");
    Ranges ranges;
    while (peek() != ']') {
      if (pos_ >= pattern_.size()) return bad("expected ]");
      TERN_ASSIGN_OR_RETURN(Ranges part, parse_char());
      const bool is_one = part.size() == 1 && part[0].first == part[0].last;
      if (is_one && peek() == '-' && peek(1) != ']' && peek(1) != '\0') {
        ++pos_;
        TERN_ASSIGN_OR_RETURN(const Ranges last, parse_char());
        if (last.size() != 1 || last[0].first != last[0].last || last[0].first < part[0].first) {
          return bad("this is no range of characters");
        }
        part[0].last = last[0].first;
      }
      ranges.insert(ranges.end(), part.begin(), part.end());
    }
    ++pos_;
    if (is_negated) ranges = complement(std::move(ranges));
    if (ranges.empty()) return bad("the class has no characters");
    return json_string_character(ranges);
  }

  Result<Expression> parse_counts(Expression part) {
    uint32_t min = 0;
    uint32_t max = Expression::kUnbounded;
    if (take("+")) {
      min = 1;
    } else if (take("?")) {
      max = 1;
    } else if (take("{")) {
      TERN_ASSIGN_OR_RETURN(min, parse_number());
      max = min;
      if (take(",")) {
        max = Expression::kUnbounded;
        if (peek() != '}') {
          TERN_ASSIGN_OR_RETURN(max, parse_number());
        }
      }
      if (!take("}")) return bad("expected }");
      if (max < min) return bad("the repetition ends before it begins");
    } else if (!take("*")) {
      return part;
    }
    take("?");
    if (peek() == '+' || peek() == '*' || peek() == '{') return bad("nothing to repeat");
    return repeat(std::move(part), min, max);
  }

  Result<uint32_t> parse_number() {
    uint32_t value = 0;
    if (peek() < '0' || peek() > '9') return bad("expected a number");
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + static_cast<uint32_t>(peek() - '0');
      if (value > kMaxPatternCount) return bad("the number is too large");
      ++pos_;
    }
    return value;
  }

  std::string_view pattern_;
  size_t pos_ = 0;
  size_t n_top_choices_ = 1;
};

}  // namespace

Result<Expression> string_with_pattern(std::string_view pattern) {
  return PatternParser(pattern).parse();
}

}  // namespace tern::grammar
