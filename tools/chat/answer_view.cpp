#include "chat/answer_view.h"

#include <utility>

#include "colour.h"
#include "escape.h"

namespace tern::tools {
namespace {

constexpr const char* kDim = "\x1b[2m";
constexpr const char* kPlain = "\x1b[0m";

}  // namespace

bool AnswerView::write(ChatPiece piece, std::string_view text) {
  if (text.empty() || (piece == ChatPiece::kThought && !show_thoughts_)) return true;
  const bool is_thought = piece == ChatPiece::kThought;
  if (is_thought != in_thought_) {
    blanks_.clear();
    if (has_text_) blanks_ = "\n\n";
    if (!is_thought && dim_) out_.write(kPlain);
    if (is_thought && dim_) out_.write(kDim);
    in_thought_ = is_thought;
  }
  const size_t n_text = text.find_last_not_of(" \t\r\n") + 1;  // npos + 1 is 0
  if (n_text > 0) {
    has_text_ = true;
    std::string shown = std::exchange(blanks_, {}) + std::string(text.substr(0, n_text));
    // A model can write anything, escape sequences included.
    if (out_.is_terminal()) shown = escape_controls_in_lines(shown);
    // The window may change while the answer comes.
    if (out_.is_terminal() && wrap_) shown = words_.push(shown, output_columns());
    if (!out_.write(shown)) return false;
  }
  blanks_ += text.substr(n_text);
  return true;
}

void AnswerView::finish() {
  if (in_thought_ && dim_) out_.write(kPlain);
  in_thought_ = false;
  out_.write("\n");
}

}  // namespace tern::tools
