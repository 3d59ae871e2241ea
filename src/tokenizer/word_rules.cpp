#include "tokenizer/word_rules.h"

#include "tokenizer/char_class.h"

namespace tern {
namespace {

enum class Contractions { kLowerCase, kAnyAsciiCase, kFoldCase };

struct RuleTraits {
  Contractions contractions;
  size_t max_digits;
  CharClass letters;
};

constexpr RuleTraits rule_traits(WordRule rule) {
  constexpr CharClass kLettersAndMarks = kClassLetter | kClassMark;
  switch (rule) {
    case WordRule::kGpt2:
      return {Contractions::kLowerCase, SIZE_MAX, kClassLetter};
    case WordRule::kLlama3:
      return {Contractions::kAnyAsciiCase, 3, kClassLetter};
    case WordRule::kLlama3FoldCase:
      return {Contractions::kFoldCase, 3, kClassLetter};
    case WordRule::kQwen2:
      return {Contractions::kAnyAsciiCase, 1, kClassLetter};
    case WordRule::kQwen2FoldCase:
      return {Contractions::kFoldCase, 1, kClassLetter};
    case WordRule::kQwen35:
      return {Contractions::kAnyAsciiCase, 1, kLettersAndMarks};
    case WordRule::kQwen35FoldCase:
      return {Contractions::kFoldCase, 1, kLettersAndMarks};
  }
  return {Contractions::kLowerCase, SIZE_MAX, kClassLetter};
}

constexpr CharClass bits(int value) { return static_cast<CharClass>(value); }

size_t skip_while(std::string_view text, size_t pos, CharClass wanted,
                  size_t max_chars = SIZE_MAX) {
  for (size_t n = 0; n < max_chars; ++n) {
    const ClassedChar c = classed_char(text, pos);
    if ((c.cls & wanted) == 0 || c.cls == kClassEnd) break;
    pos += c.n_bytes;
  }
  return pos;
}

size_t skip_none_of(std::string_view text, size_t pos, CharClass unwanted) {
  for (;;) {
    const ClassedChar c = classed_char(text, pos);
    if ((c.cls & (unwanted | kClassEnd)) != 0) return pos;
    pos += c.n_bytes;
  }
}

// End of the contraction whose apostrophe is at text[pos], or pos.
size_t contraction_end(Contractions mode, std::string_view text, size_t pos) {
  const auto letter = [&](size_t at) -> char {
    if (at >= text.size()) return 0;
    const char c = text[at];
    if (mode != Contractions::kLowerCase && c >= 'A' && c <= 'Z')
      return static_cast<char>(c - 'A' + 'a');
    return c;
  };
  const char first = letter(pos + 1);
  const char second = letter(pos + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return pos + 2;
  if ((first == 'r' || first == 'v') && second == 'e') return pos + 3;
  if (first == 'l' && second == 'l') return pos + 3;
  // The only character outside ASCII whose case folds to a letter of a contraction.
  constexpr std::string_view kLongS = "\xC5\xBF";
  if (mode == Contractions::kFoldCase && text.substr(pos + 1, 2) == kLongS) return pos + 3;
  return pos;
}

// `\s+(?!\S)|\s+`: all of a run that ends the text, else the run less its last character, which the
// next word may take; a single one stays whole. With newline_branch, `\s*[\r\n]+` is tried before:
// through the last newline of the run. What is left after it holds no newline, so each run is read
// twice at most.
size_t space_run_end(std::string_view text, size_t pos, bool newline_branch) {
  size_t end = pos;
  size_t last_begin = pos;
  size_t after_newline = pos;
  for (;;) {
    const ClassedChar c = classed_char(text, end);
    if ((c.cls & kClassSpace) == 0) break;
    last_begin = end;
    end += c.n_bytes;
    if ((c.cls & kClassNewline) != 0) after_newline = end;
  }
  if (newline_branch && after_newline > pos) return after_newline;
  if (end == text.size() || last_begin == pos) return end;
  return last_begin;
}

size_t next_gpt2_word(std::string_view text, size_t pos) {
  const ClassedChar first = classed_char(text, pos);
  if (first.code_point == '\'') {
    const size_t end = contraction_end(Contractions::kLowerCase, text, pos);
    if (end != pos) return end;
  }
  const size_t body = first.code_point == ' ' ? pos + 1 : pos;
  const ClassedChar c = classed_char(text, body);
  if ((c.cls & kClassLetter) != 0) return skip_while(text, body, kClassLetter);
  if ((c.cls & kClassNumber) != 0) return skip_while(text, body, kClassNumber);
  constexpr CharClass kNotOther = bits(kClassSpace | kClassLetter | kClassNumber);
  if ((c.cls & (kNotOther | kClassEnd)) == 0) return skip_none_of(text, body, kNotOther);
  return space_run_end(text, pos, false);
}

size_t next_llama3_word(const RuleTraits& traits, std::string_view text, size_t pos) {
  const ClassedChar first = classed_char(text, pos);
  if (first.code_point == '\'') {
    const size_t end = contraction_end(traits.contractions, text, pos);
    if (end != pos) return end;
  }
  if ((first.cls & traits.letters) != 0) return skip_while(text, pos, traits.letters);
  if ((first.cls & (kClassNewline | kClassNumber)) == 0) {
    const size_t body = pos + first.n_bytes;
    const ClassedChar c = classed_char(text, body);
    if ((c.cls & traits.letters) != 0) return skip_while(text, body, traits.letters);
  }
  if ((first.cls & kClassNumber) != 0)
    return skip_while(text, pos, kClassNumber, traits.max_digits);
  const CharClass not_other = bits(kClassSpace | kClassNumber | traits.letters);
  const size_t body = first.code_point == ' ' ? pos + 1 : pos;
  if ((classed_char(text, body).cls & (not_other | kClassEnd)) == 0) {
    return skip_while(text, skip_none_of(text, body, not_other), kClassNewline);
  }
  return space_run_end(text, pos, true);
}

bool in_punctuation_rule(const ClassedChar& c, bool backtick) {
  if (c.cls == kClassEnd) return false;
  if ((c.cls & kClassPunctuation) != 0) return true;
  if (c.code_point >= 128) return false;
  constexpr std::string_view kSymbols = "$+<=>^~|";
  return kSymbols.find(static_cast<char>(c.code_point)) != std::string_view::npos ||
         (backtick && c.code_point == '`');
}

template <typename Predicate>
FoundPiece find_run(std::string_view text, size_t pos, size_t min_chars, size_t max_chars,
                    const Predicate& wanted) {
  while (pos < text.size()) {
    size_t end = pos;
    size_t n_chars = 0;
    while (n_chars < max_chars) {
      const ClassedChar c = classed_char(text, end);
      if (!wanted(c)) break;
      end += c.n_bytes;
      ++n_chars;
    }
    if (n_chars >= min_chars) return {pos, end};
    // Nothing shorter than min_chars can begin inside a run that was too short either.
    pos = end + (end < text.size() ? classed_char(text, end).n_bytes : 0);
  }
  return {text.size(), text.size()};
}

}  // namespace

size_t next_word_end(WordRule rule, std::string_view text, size_t pos) {
  if (rule == WordRule::kGpt2) return next_gpt2_word(text, pos);
  return next_llama3_word(rule_traits(rule), text, pos);
}

FoundPiece find_piece(FindRule rule, std::string_view text, size_t pos) {
  const auto digit = [](const ClassedChar& c) { return (c.cls & kClassAsciiDigit) != 0; };
  const auto number = [](const ClassedChar& c) { return (c.cls & kClassNumber) != 0; };
  switch (rule) {
    case FindRule::kPunctuation:
      return find_run(text, pos, 1, SIZE_MAX,
                      [](const ClassedChar& c) { return in_punctuation_rule(c, false); });
    case FindRule::kPunctuationBacktick:
      return find_run(text, pos, 1, SIZE_MAX,
                      [](const ClassedChar& c) { return in_punctuation_rule(c, true); });
    case FindRule::kNumbers:
      return find_run(text, pos, 1, SIZE_MAX, number);
    case FindRule::kThreeDigits:
      return find_run(text, pos, 3, 3, digit);
    case FindRule::kOneDigit:
      return find_run(text, pos, 1, 1, digit);
    case FindRule::kOneNumber:
      return find_run(text, pos, 1, 1, number);
  }
  return {text.size(), text.size()};
}

}  // namespace tern
