#include "chat/word_wrap.h"

#include <fmt/format.h>

#include "text_width.h"

namespace tern::tools {
namespace {

constexpr size_t kTabColumns = 8;
constexpr size_t kFenceLength = 3;
// A line that is indented further is text, by the rules of Markdown.
constexpr size_t kMaxFenceIndent = 3;

size_t character_bytes(std::string_view text) {
  size_t n = 1;
  while (n < text.size() && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) ++n;
  return n;
}

}  // namespace

std::string WordWrap::push(std::string_view text, size_t n_columns) {
  std::string shown;
  n_word_shown_ = word_.size();
  while (!text.empty()) {
    const std::string_view character = text.substr(0, character_bytes(text));
    text.remove_prefix(character.size());
    if (character == "\n") {
      new_line(shown);
      continue;
    }
    note_fence(character);
    const size_t width =
        character == "\t" ? kTabColumns - column_ % kTabColumns : display_width(character);
    if (in_code_ || is_fence_ || n_columns == 0) {
      shown += character;
      column_ += width;
      word_.clear();
      n_word_shown_ = 0;
      word_column_ = column_;
    } else {
      put(shown, character, width, n_columns);
    }
  }
  return shown;
}

void WordWrap::new_line(std::string& shown) {
  shown += '\n';
  column_ = word_column_ = n_word_shown_ = 0;
  word_.clear();
  at_line_start_ = true;
  n_backquotes_ = 0;
  is_fence_ = false;
}

void WordWrap::note_fence(std::string_view character) {
  if (!at_line_start_ || (character == " " && n_backquotes_ == 0 && column_ < kMaxFenceIndent)) {
    return;
  }
  at_line_start_ = character == "`";
  if (!at_line_start_ || ++n_backquotes_ < kFenceLength) return;
  at_line_start_ = false;
  is_fence_ = true;
  in_code_ = !in_code_;
}

void WordWrap::put(std::string& shown, std::string_view character, size_t width, size_t n_columns) {
  const bool is_blank = character == " " || character == "\t";
  // Scripts with wide characters part lines anywhere.
  const bool stands_alone = is_blank || width > 1;
  if (stands_alone) {
    word_.clear();
    n_word_shown_ = 0;
    word_column_ = column_;
  }
  if (width > 0 && column_ + width > n_columns) {
    if (is_blank) {
      // Where a line ends nobody sees it; what comes behind goes to the next one.
      column_ = word_column_ = n_columns;
      return;
    }
    if (word_column_ > 0) {
      move_word(shown);
    } else {
      // Longer than a line: the terminal goes on with it by itself.
      word_.clear();
      n_word_shown_ = 0;
      column_ = 0;
    }
  }
  shown += character;
  column_ += width;
  if (stands_alone) {
    word_column_ = column_;
  } else if (width > 0 || !word_.empty()) {
    word_ += character;
  }
}

void WordWrap::move_word(std::string& shown) {
  if (n_word_shown_ > 0) {
    // All of this piece belongs to the word so far. A column by number is the same whether or not
    // the terminal has just filled the last one.
    shown = fmt::format("\x1b[{}G\x1b[K", word_column_ + 1);
  } else {
    shown.resize(shown.size() - word_.size());
  }
  shown += '\n' + word_;
  n_word_shown_ = 0;
  column_ -= word_column_;
  word_column_ = 0;
}

}  // namespace tern::tools
