// Text for a terminal as it comes, broken between words at the right edge: what is known of a word
// is shown at once, and a word that turns out not to fit is taken back and goes to the next line.
// Lines between ``` are left to the terminal, and so are words longer than a line. A value type;
// confined to one answer.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tern::tools {

class WordWrap {
 public:
  /// What to write for the next piece, whole UTF-8 without control characters but newlines and
  /// tabs, on a terminal that has now so many columns; 0: not known, as it is. The first piece
  /// begins at the left edge.
  std::string push(std::string_view text, size_t n_columns);

 private:
  void new_line(std::string& shown);
  void put(std::string& shown, std::string_view character, size_t width, size_t n_columns);
  void move_word(std::string& shown);
  void note_fence(std::string_view character);

  size_t column_ = 0;          // of the cursor; n_columns: behind the last one, the line being full
  std::string word_;           // the word so far on this line, which may still move
  size_t word_column_ = 0;     // where it begins
  size_t n_word_shown_ = 0;    // of word_, bytes that were given out before this piece
  bool at_line_start_ = true;  // nothing but blanks and backquotes yet
  size_t n_backquotes_ = 0;
  bool in_code_ = false;
  bool is_fence_ = false;  // the line that opens or closes code
};

}  // namespace tern::tools
