#include "chat/line_editor.h"

namespace tern::tools {
namespace {

constexpr std::string_view kQuotes = "\"\"\"";
constexpr const char* kContinuation = ". ";

}  // namespace

TypedLine read_message(LineEditor& editor, const std::string& prompt, const std::string& prefill) {
  TypedLine line = editor.read(prompt, prefill);
  if (line.kind != TypedLine::Kind::kLine) return line;
  std::string text = std::move(line.text);

  if (text.starts_with(kQuotes)) {
    text.erase(0, kQuotes.size());
    // All of it may stand on one line.
    size_t searched = 0;
    for (;;) {
      const size_t end = text.find(kQuotes, searched);
      if (end != std::string::npos) {
        text.erase(end);
        if (text.starts_with('\n')) text.erase(0, 1);
        if (text.ends_with('\n')) text.pop_back();
        return {TypedLine::Kind::kLine, std::move(text)};
      }
      searched = text.size();
      line = editor.read(kContinuation, {});
      if (line.kind == TypedLine::Kind::kInterrupt) return line;
      // The end of the input ends the text too.
      if (line.kind == TypedLine::Kind::kEnd) return {TypedLine::Kind::kLine, std::move(text)};
      text += "\n" + line.text;
    }
  }

  while (text.ends_with('\\')) {
    text.back() = '\n';
    line = editor.read(kContinuation, {});
    if (line.kind == TypedLine::Kind::kInterrupt) return line;
    if (line.kind == TypedLine::Kind::kEnd) {
      text.pop_back();
      break;
    }
    text += line.text;
  }
  return {TypedLine::Kind::kLine, std::move(text)};
}

}  // namespace tern::tools
