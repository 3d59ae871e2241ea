#include "grammar/gbnf.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "tokenizer/utf8.h"

namespace tern::grammar {
namespace {

constexpr int kMaxNesting = 128;  // of parentheses
constexpr uint32_t kMaxCount = 1u << 20;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Rules> parse() {
    rule_index("root");
    skip_blank(/*newlines=*/true);
    while (pos_ < text_.size()) {
      TERN_RETURN_IF_ERROR(parse_rule());
      skip_blank(/*newlines=*/true);
    }
    for (const auto& [name, index] : indices_) {
      if (defined_[index]) continue;
      if (index == 0) {
        return with_hint(make_error(ErrorCode::kUsage, "the grammar has no rule called root"),
                         "root is the rule that the whole text has to be");
      }
      pos_ = used_at_[index];
      return error("the rule " + name + " is nowhere defined");
    }
    return std::move(rules_);
  }

 private:
  Error error(const std::string& what) const {
    const std::string_view before = text_.substr(0, std::min(pos_, text_.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
    return make_error(ErrorCode::kUsage, "grammar, line {}, column {}: {}", line,
                      before.size() - line_begin + 1, what);
  }

  char peek(size_t ahead = 0) const {
    return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : '\0';
  }
  bool take(std::string_view expected) {
    if (text_.substr(pos_, expected.size()) != expected) return false;
    pos_ += expected.size();
    return true;
  }

  void skip_blank(bool newlines) {
    while (pos_ < text_.size()) {
      const char c = text_[pos_];
      if (c == '#') {
        pos_ = std::min(text_.find('\n', pos_), text_.size());
      } else if (c == ' ' || c == '\t' || (newlines && (c == '\n' || c == '\r'))) {
        ++pos_;
      } else {
        return;
      }
    }
  }

  static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  }

  std::string take_name() {
    const size_t begin = pos_;
    while (is_name_char(peek())) ++pos_;
    return std::string(text_.substr(begin, pos_ - begin));
  }

  uint32_t rule_index(const std::string& name) {
    const auto [at, is_new] = indices_.emplace(name, static_cast<uint32_t>(rules_.size()));
    if (is_new) {
      rules_.push_back({name, {}});
      defined_.push_back(false);
      used_at_.push_back(pos_);
    }
    return at->second;
  }

  Result<void> parse_rule() {
    const size_t begin = pos_;
    const std::string name = take_name();
    if (name.empty()) return error("expected the name of a rule");
    skip_blank(/*newlines=*/false);
    if (!take("::=")) return error("expected ::= behind the rule's name");
    const uint32_t index = rule_index(name);
    if (defined_[index]) {
      pos_ = begin;
      return error("the rule " + name + " is there twice");
    }
    defined_[index] = true;
    skip_blank(/*newlines=*/true);
    TERN_ASSIGN_OR_RETURN(Expression body, parse_choice(0));
    rules_[index].body = std::move(body);
    skip_blank(/*newlines=*/false);
    if (pos_ < text_.size() && peek() != '\n' && peek() != '\r') {
      return error("expected the end of the rule");
    }
    return {};
  }

  // Whether the next line goes on with another alternative.
  bool goes_on_with_bar() {
    const size_t begin = pos_;
    skip_blank(/*newlines=*/true);
    if (peek() == '|') return true;
    pos_ = begin;
    return false;
  }

  Result<Expression> parse_choice(int depth) {
    std::vector<Expression> alternatives;
    do {
      skip_blank(/*newlines=*/true);
      TERN_ASSIGN_OR_RETURN(Expression alternative, parse_sequence(depth));
      alternatives.push_back(std::move(alternative));
    } while (goes_on_with_bar() && take("|"));
    return choice(std::move(alternatives));
  }

  Result<Expression> parse_sequence(int depth) {
    std::vector<Expression> parts;
    for (;;) {
      TERN_ASSIGN_OR_RETURN(std::optional<Expression> part, parse_part(depth));
      if (!part) return sequence(std::move(parts));
      TERN_ASSIGN_OR_RETURN(Expression repeated, parse_counts(std::move(*part)));
      parts.push_back(std::move(repeated));
      skip_blank(/*newlines=*/depth > 0);
    }
  }

  // Nothing at what ends a sequence.
  Result<std::optional<Expression>> parse_part(int depth) {
    const char c = peek();
    if (c == '"') {
      ++pos_;
      TERN_ASSIGN_OR_RETURN(Expression text, parse_literal());
      return std::optional(std::move(text));
    }
    if (c == '[') {
      ++pos_;
      TERN_ASSIGN_OR_RETURN(Expression one, parse_class());
      return std::optional(std::move(one));
    }
    if (c == '.') {
      ++pos_;
      return std::optional(character({{0, kMaxCodePoint}}));
    }
    if (c == '(') {
      if (depth >= kMaxNesting) return error("parentheses are nested too deeply");
      ++pos_;
      TERN_ASSIGN_OR_RETURN(Expression inner, parse_choice(depth + 1));
      skip_blank(/*newlines=*/true);
      if (!take(")")) return error("expected )");
      return std::optional(std::move(inner));
    }
    if (is_name_char(c)) {
      // The next rule may follow without an empty line.
      const size_t begin = pos_;
      const std::string name = take_name();
      const size_t end = pos_;
      skip_blank(/*newlines=*/false);
      if (text_.substr(pos_, 3) == "::=") {
        pos_ = begin;
        if (depth > 0) return error("expected ) before the next rule");
        return std::optional<Expression>();
      }
      pos_ = begin;
      const uint32_t index = rule_index(name);
      pos_ = end;
      return std::optional(rule(index));
    }
    return std::optional<Expression>();
  }

  Result<Expression> parse_literal() {
    std::string bytes;
    while (peek() != '"') {
      if (pos_ >= text_.size() || peek() == '\n') return error("the text in quotes has no end");
      TERN_ASSIGN_OR_RETURN(const uint32_t code_point, parse_char());
      append_utf8(code_point, bytes);
    }
    ++pos_;
    return literal(bytes);
  }

  Result<Expression> parse_class() {
    const bool is_negated = take("^");
    std::vector<CodePointRange> ranges;
    while (peek() != ']') {
      if (pos_ >= text_.size() || peek() == '\n') return error("the class in brackets has no end");
      TERN_ASSIGN_OR_RETURN(const uint32_t first, parse_char());
      uint32_t last = first;
      if (peek() == '-' && peek(1) != ']') {
        ++pos_;
        TERN_ASSIGN_OR_RETURN(last, parse_char());
        if (last < first) return error("the range of characters is upside down");
      }
      ranges.push_back({first, last});
    }
    ++pos_;
    return character(is_negated ? complement(std::move(ranges)) : ranges);
  }

  Result<uint32_t> parse_char() {
    if (pos_ >= text_.size()) return error("the text ends where a character is expected");
    if (peek() != '\\') {
      const DecodedChar c = decode_utf8(text_, pos_);
      if (!c.valid) return error("this is not UTF-8");
      pos_ += c.n_bytes;
      return c.code_point;
    }
    const char kind = peek(1);
    pos_ += std::min<size_t>(2, text_.size() - pos_);
    switch (kind) {
      case 'n':
        return uint32_t{'\n'};
      case 'r':
        return uint32_t{'\r'};
      case 't':
        return uint32_t{'\t'};
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
        return static_cast<uint32_t>(kind);
      case 'x':
        return parse_hex(2);
      case 'u':
        return parse_hex(4);
      case 'U':
        return parse_hex(8);
      default:
        --pos_;
        return error("unknown escape behind \\");
    }
  }

  Result<uint32_t> parse_hex(int n_digits) {
    uint32_t value = 0;
    for (int i = 0; i < n_digits; ++i) {
      const char c = peek();
      const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
      const bool is_digit = lower >= '0' && lower <= '9';
      if (!is_digit && !(lower >= 'a' && lower <= 'f')) {
        return error(fmt::format("expected {} hexadecimal digits", n_digits));
      }
      value = value << 4 | static_cast<uint32_t>(is_digit ? lower - '0' : lower - 'a' + 10);
      ++pos_;
    }
    if (value > kMaxCodePoint || (value >= 0xd800 && value <= 0xdfff)) {
      return error("this is no character");
    }
    return value;
  }

  Result<Expression> parse_counts(Expression part) {
    if (take("*")) {
      part = repeat(std::move(part), 0, Expression::kUnbounded);
    } else if (take("+")) {
      part = repeat(std::move(part), 1, Expression::kUnbounded);
    } else if (take("?")) {
      part = optional(std::move(part));
    } else if (take("{")) {
      TERN_ASSIGN_OR_RETURN(part, parse_braces(std::move(part)));
    } else {
      return part;
    }
    if (peek() == '*' || peek() == '+' || peek() == '?' || peek() == '{') {
      return error("a repetition of a repetition needs parentheses");
    }
    return part;
  }

  Result<Expression> parse_braces(Expression part) {
    skip_blank(/*newlines=*/false);
    TERN_ASSIGN_OR_RETURN(const uint32_t min, parse_number());
    uint32_t max = min;
    skip_blank(/*newlines=*/false);
    if (take(",")) {
      skip_blank(/*newlines=*/false);
      max = Expression::kUnbounded;
      if (peek() != '}') {
        TERN_ASSIGN_OR_RETURN(max, parse_number());
      }
      skip_blank(/*newlines=*/false);
    }
    if (!take("}")) return error("expected }");
    if (max < min) return error("the repetition ends before it begins");
    return repeat(std::move(part), min, max);
  }

  Result<uint32_t> parse_number() {
    uint32_t value = 0;
    if (peek() < '0' || peek() > '9') return error("expected a number");
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + static_cast<uint32_t>(peek() - '0');
      if (value > kMaxCount) return error("the number is too large");
      ++pos_;
    }
    return value;
  }

  std::string_view text_;
  size_t pos_ = 0;
  Rules rules_;
  std::vector<bool> defined_;    // by rule
  std::vector<size_t> used_at_;  // where a rule was first named
  std::map<std::string, uint32_t> indices_;
};

}  // namespace

Result<Rules> parse_gbnf(std::string_view text) { return Parser(text).parse(); }

}  // namespace tern::grammar
