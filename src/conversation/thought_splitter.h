// Tells thoughts from answers in a stream of text, also when the tags are cut by token borders.
// Confined to one answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tern/chat.h"

namespace tern::conversation {

inline constexpr std::string_view kThinkBegin = "<think>";
inline constexpr std::string_view kThinkEnd = "</think>";

class ThoughtSplitter {
 public:
  struct Part {
    ChatPiece piece;
    std::string text;  // not empty
  };

  /// in_thought: the prompt has opened a thought already.
  explicit ThoughtSplitter(bool in_thought)
      : state_(in_thought ? State::kThought : State::kStart) {}

  /// What became certain with this text. The result for a stream does not depend on how it is cut
  /// into pieces. A tag counts as one where nothing but blanks came before it: an answer may speak
  /// of tags.
  std::vector<Part> push(std::string_view text);
  /// What was held back, at the end of the stream.
  std::vector<Part> finish();

  bool in_thought() const { return state_ == State::kThought; }

 private:
  enum class State { kStart, kThought, kAnswer };
  bool step(std::vector<Part>& parts);
  void give(ChatPiece piece, std::string_view text, std::vector<Part>& parts);

  State state_;
  bool has_text_ = false;  // of the current part something was given: blanks count from then on
  std::string held_;
};

}  // namespace tern::conversation
