// An answer as people see it: thoughts dimmed or left out, blanks at the end dropped, lines of a
// terminal broken between words, and nothing in it that the terminal would act on. Confined to one
// answer.
#pragma once

#include <string>
#include <string_view>

#include "chat/word_wrap.h"
#include "output.h"
#include "tern/chat.h"

namespace tern::tools {

class AnswerView {
 public:
  /// out outlives the view. dim: thoughts are shown in a fainter colour. wrap: lines are broken
  /// between words where `out` is a terminal.
  AnswerView(Output& out, bool show_thoughts, bool dim, bool wrap)
      : out_(out), show_thoughts_(show_thoughts), dim_(dim), wrap_(wrap) {}

  /// False once the reader has gone.
  bool write(ChatPiece piece, std::string_view text);
  /// Ends the line.
  void finish();

 private:
  Output& out_;
  bool show_thoughts_;
  bool dim_;
  bool wrap_;
  WordWrap words_;
  bool in_thought_ = false;
  bool has_text_ = false;
  std::string blanks_;  // not yet written: the answer may end here
};

}  // namespace tern::tools
