#include "chat/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "chat/jinja/characters.h"
#include "chat/jinja/errors.h"
#include "chat/jinja/string_literal.h"
#include "gguf/text.h"
#include "tokenizer/utf8.h"

namespace tern::jinja {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// Longest first.
constexpr std::array<std::string_view, 27> kOperators = {
    "//", "**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">",
    "=",  ".",  ":",  ",",  ";",  "|",  "(", ")", "[", "]", "{", "}", "!"};

class Lexer {
 public:
  Lexer(std::string_view source, uint32_t& failed_at) : source_(source), failed_at_(failed_at) {}

  Result<std::vector<Token>> run() {
    while (pos_ < source_.size()) TERN_RETURN_IF_ERROR(root());
    add(TokenKind::kEnd, "", source_.size());
    return std::move(tokens_);
  }

 private:
  enum class Tag { kBlock, kComment, kVariable };

  Error fail(size_t offset, Error error) {
    failed_at_ = static_cast<uint32_t>(offset);
    return error;
  }

  void add(TokenKind kind, std::string text, size_t offset) {
    tokens_.push_back({kind, std::move(text), static_cast<uint32_t>(offset)});
  }

  char at(size_t pos) const { return pos < source_.size() ? source_[pos] : '\0'; }

  size_t skip_space(size_t pos) const {
    while (pos < source_.size() && is_python_space(decode_utf8(source_, pos).code_point)) {
      pos += char_size(source_, pos);
    }
    return pos;
  }

  // Text up to the next tag, and the tag.
  Result<void> root() {
    size_t open = pos_;
    for (;; ++open) {
      open = source_.find('{', open);
      if (open == std::string_view::npos || open + 1 >= source_.size()) {
        emit_text(pos_, source_.size());
        pos_ = source_.size();
        return {};
      }
      const char second = source_[open + 1];
      if (second == '%' || second == '#' || second == '{') break;
    }
    const Tag tag = source_[open + 1] == '%'   ? Tag::kBlock
                    : source_[open + 1] == '#' ? Tag::kComment
                                               : Tag::kVariable;
    const char sign = at(open + 2);
    const bool signed_tag = sign == '-' || sign == '+';
    emit_text(pos_, text_end(pos_, open, signed_tag ? sign : '\0', tag != Tag::kVariable));
    pos_ = open + (signed_tag ? 3 : 2);
    switch (tag) {
      case Tag::kComment:
        return comment(open);
      case Tag::kBlock:
        if (const auto body = raw_begin(pos_)) return raw(open, *body);
        add(TokenKind::kBlockBegin, "{%", open);
        return tag_body(TokenKind::kBlockEnd, open);
      case Tag::kVariable:
        break;
    }
    add(TokenKind::kVariableBegin, "{{", open);
    return tag_body(TokenKind::kVariableEnd, open);
  }

  void emit_text(size_t begin, size_t end) {
    if (begin < end) add(TokenKind::kData, std::string(source_.substr(begin, end - begin)), begin);
  }

  // Where text in front of a tag ends, by the tag's sign and lstrip_blocks.
  size_t text_end(size_t begin, size_t end, char sign, bool strips_lines) const {
    const std::string_view text = source_.substr(begin, end - begin);
    if (sign == '-') {
      size_t kept = text.size();
      while (kept > 0) {
        const size_t last = char_begin_before(text, kept);
        if (!is_python_space(decode_utf8(text, last).code_point)) break;
        kept = last;
      }
      return begin + kept;
    }
    if (sign == '+' || !strips_lines) return end;
    const size_t newline = text.rfind('\n');
    if (newline == std::string_view::npos && !line_starting_) return end;
    const size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    return skip_space(begin + line) >= end ? begin + line : end;
  }

  // The end of a tag at `pos`, after which root() goes on: "+%}", "-%}" with white space, "%}" with
  // a newline. Nothing where none is there.
  std::optional<size_t> tag_end(size_t pos, std::string_view close, bool trims_newline) const {
    const std::string_view rest = source_.substr(std::min(pos, source_.size()));
    if (rest.starts_with('-') && rest.substr(1).starts_with(close)) {
      return skip_space(pos + 1 + close.size());
    }
    if (rest.starts_with('+') && trims_newline && rest.substr(1).starts_with(close)) {
      return pos + 1 + close.size();
    }
    if (!rest.starts_with(close)) return std::nullopt;
    const size_t end = pos + close.size();
    return trims_newline && at(end) == '\n' ? end + 1 : end;
  }

  void leave_tag(size_t end) {
    pos_ = end;
    line_starting_ = source_[end - 1] == '\n';
  }

  Result<void> comment(size_t open) {
    for (size_t pos = pos_; pos < source_.size(); ++pos) {
      if (const auto end = tag_end(pos, "#}", true)) {
        leave_tag(*end);
        return {};
      }
    }
    return fail(open, template_error("a comment has no end"));
  }

  // Begin of the text of a raw block, where `pos`, behind "{%" and its sign, begins one.
  std::optional<size_t> raw_begin(size_t pos) const {
    pos = skip_space(pos);
    if (source_.substr(pos, 3) != "raw") return std::nullopt;
    return tag_end(skip_space(pos + 3), "%}", false);
  }

  Result<void> raw(size_t open, size_t body) {
    line_starting_ = source_[body - 1] == '\n';
    if (body == source_.size()) {  // nothing to keep raw; Jinja does not miss the end either
      pos_ = body;
      return {};
    }
    for (size_t pos = source_.find("{%", body); pos != std::string_view::npos;
         pos = source_.find("{%", pos + 1)) {
      const char sign = at(pos + 2);
      const bool signed_tag = sign == '-' || sign == '+';
      const size_t name = skip_space(pos + (signed_tag ? 3 : 2));
      if (source_.substr(name, 6) != "endraw") continue;
      const auto end = tag_end(skip_space(name + 6), "%}", true);
      if (!end) continue;
      emit_text(body, text_end(body, pos, signed_tag ? sign : '\0', true));
      leave_tag(*end);
      return {};
    }
    return fail(open, template_error("a raw block has no end"));
  }

  // Tokens up to the tag's end. Inside brackets nothing ends a tag.
  Result<void> tag_body(TokenKind close_kind, size_t open) {
    const bool is_block = close_kind == TokenKind::kBlockEnd;
    std::string brackets;
    while (pos_ < source_.size()) {
      if (brackets.empty()) {
        if (const auto end = tag_end(pos_, is_block ? "%}" : "}}", is_block)) {
          add(close_kind, is_block ? "%}" : "}}", pos_);
          leave_tag(*end);
          return {};
        }
      }
      const size_t after_space = skip_space(pos_);
      if (after_space != pos_) {
        pos_ = after_space;
        continue;
      }
      TERN_RETURN_IF_ERROR(token(brackets));
    }
    return fail(open, template_error("a tag has no end"));
  }

  Result<void> token(std::string& brackets) {
    const char c = source_[pos_];
    if (is_digit(c)) return number();
    if (is_name_start(c)) {
      const size_t begin = pos_;
      while (is_name_start(at(pos_)) || is_digit(at(pos_))) ++pos_;
      if ((at(pos_) & 0x80) != 0) return fail(pos_, unsupported("a name that is not ASCII"));
      add(TokenKind::kName, std::string(source_.substr(begin, pos_ - begin)), begin);
      return {};
    }
    if (c == '"' || c == '\'') return string(c);
    return op(brackets);
  }

  Result<void> string(char quote) {
    const size_t begin = pos_;
    size_t end = pos_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return fail(begin, template_error("a text has no closing quote"));
    Result<std::string> text = unescape_string(source_.substr(begin + 1, end - begin - 1));
    if (!text) return fail(begin, std::move(text).error());
    add(TokenKind::kString, *std::move(text), begin);
    pos_ = end + 1;
    return {};
  }

  // Digits with single underscores between them, appended to `out`.
  size_t digits(size_t pos, std::string& out) const {
    while (is_digit(at(pos))) {
      out.push_back(at(pos));
      ++pos;
      if (at(pos) == '_' && is_digit(at(pos + 1))) ++pos;
    }
    return pos;
  }

  Result<void> number() {
    const size_t begin = pos_;
    const char second = static_cast<char>(at(pos_ + 1) | 0x20);
    if (at(pos_) == '0' && (second == 'x' || second == 'o' || second == 'b')) {
      return fail(begin, unsupported("numbers in other bases than 10"));
    }
    std::string text;
    size_t end = digits(pos_, text);
    // a.0.1 takes two items; it does not hold 0.1.
    const bool is_item = begin > 0 && source_[begin - 1] == '.';
    bool is_float = false;
    if (!is_item) {
      if (at(end) == '.' && is_digit(at(end + 1))) {
        is_float = true;
        text.push_back('.');
        end = digits(end + 1, text);
      }
      const size_t sign = end + 1 + (at(end + 1) == '+' || at(end + 1) == '-' ? 1 : 0);
      if ((at(end) | 0x20) == 'e' && is_digit(at(sign))) {
        is_float = true;
        text += 'e';
        if (at(end + 1) == '-') text += '-';
        end = digits(sign, text);
      }
    }
    if (!is_float && text.size() > 1 && text.front() == '0' &&
        text.find_first_not_of('0') != std::string::npos) {
      return fail(begin, template_error("a number may not begin with 0"));
    }
    pos_ = end;
    add(is_float ? TokenKind::kFloat : TokenKind::kInteger, std::move(text), begin);
    return {};
  }

  Result<void> op(std::string& brackets) {
    const auto it = std::find_if(
        kOperators.begin(), kOperators.end(),
        [this](std::string_view candidate) { return source_.substr(pos_).starts_with(candidate); });
    if (it == kOperators.end()) {
      return fail(pos_,
                  template_error("unexpected character '{}'",
                                 gguf::printable(source_.substr(pos_, char_size(source_, pos_)))));
    }
    const char c = it->front();
    if (c == '(' || c == '[' || c == '{') brackets.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
    if (c == ')' || c == ']' || c == '}') {
      if (brackets.empty() || brackets.back() != c) {
        return fail(pos_, template_error("unexpected '{}'", c));
      }
      brackets.pop_back();
    }
    add(TokenKind::kOperator, std::string(*it), pos_);
    pos_ += it->size();
    return {};
  }

  std::string_view source_;
  uint32_t& failed_at_;
  size_t pos_ = 0;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out.push_back('\n');
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out.push_back(source[i]);
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

Result<std::vector<Token>> tokenize(std::string_view source, uint32_t& failed_at) {
  return Lexer(source, failed_at).run();
}

}  // namespace tern::jinja
