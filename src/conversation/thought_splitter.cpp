#include "conversation/thought_splitter.h"

#include <algorithm>
#include <utility>

namespace tern::conversation {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

// The longest end of `text` that is a beginning of `tag`.
size_t begun_tag(std::string_view text, std::string_view tag) {
  for (size_t n = std::min(text.size(), tag.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == tag.substr(0, n)) return n;
  }
  return 0;
}

size_t trailing_blanks(std::string_view text) {
  const size_t last = text.find_last_not_of(kBlanks);
  return last == std::string_view::npos ? text.size() : text.size() - last - 1;
}

}  // namespace

void ThoughtSplitter::give(ChatPiece piece, std::string_view text, std::vector<Part>& parts) {
  if (!has_text_) {
    const size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return;
    text.remove_prefix(first);
    has_text_ = true;
  }
  if (text.empty()) return;
  if (!parts.empty() && parts.back().piece == piece) {
    parts.back().text += text;
  } else {
    parts.push_back({piece, std::string(text)});
  }
}

// One step over held_; false when it has to wait for more.
bool ThoughtSplitter::step(std::vector<Part>& parts) {
  if (state_ == State::kStart) {
    const size_t first = held_.find_first_not_of(kBlanks);
    if (first == std::string::npos) return false;
    const std::string_view rest = std::string_view(held_).substr(first);
    if (rest.starts_with(kThinkBegin)) {
      held_.erase(0, first + kThinkBegin.size());
      state_ = State::kThought;
      return true;
    }
    if (kThinkBegin.starts_with(rest)) return false;
    state_ = State::kAnswer;
    return true;
  }
  if (state_ == State::kThought) {
    const size_t end = held_.find(kThinkEnd);
    if (end != std::string::npos) {
      const std::string_view thought = std::string_view(held_).substr(0, end);
      give(ChatPiece::kThought, thought.substr(0, end - trailing_blanks(thought)), parts);
      held_.erase(0, end + kThinkEnd.size());
      state_ = State::kAnswer;
      has_text_ = false;
      return true;
    }
    // Blanks may turn out to stand before the closing tag.
    const size_t n_tag = begun_tag(held_, kThinkEnd);
    const std::string_view before = std::string_view(held_).substr(0, held_.size() - n_tag);
    const size_t n_certain = before.size() - trailing_blanks(before);
    give(ChatPiece::kThought, before.substr(0, n_certain), parts);
    held_.erase(0, n_certain);
    return false;
  }
  give(ChatPiece::kAnswer, held_, parts);
  held_.clear();
  return false;
}

std::vector<ThoughtSplitter::Part> ThoughtSplitter::push(std::string_view text) {
  std::vector<Part> parts;
  held_ += text;
  while (step(parts)) {
  }
  return parts;
}

std::vector<ThoughtSplitter::Part> ThoughtSplitter::finish() {
  std::vector<Part> parts;
  const std::string rest = std::exchange(held_, {});
  const bool is_thought = state_ == State::kThought;
  give(is_thought ? ChatPiece::kThought : ChatPiece::kAnswer,
       std::string_view(rest).substr(0, rest.size() - trailing_blanks(rest)), parts);
  return parts;
}

}  // namespace tern::conversation

namespace tern {

ChatParts split_answer(std::string_view answer) {
  conversation::ThoughtSplitter splitter(/*in_thought=*/false);
  ChatParts result;
  for (const auto& parts : {splitter.push(answer), splitter.finish()}) {
    for (const auto& part : parts) {
      (part.piece == ChatPiece::kThought ? result.thought : result.answer) += part.text;
    }
  }
  return result;
}

}  // namespace tern
