// Lines that a person types. Two kinds behind one interface: with editing, history and completion
// on a terminal (libedit), and plain lines elsewhere. Confined to the main thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tern::tools {

struct TypedLine {
  enum class Kind {
    kLine,
    kEnd,        // Ctrl-D, or the end of the input
    kInterrupt,  // Ctrl-C or another signal that asks to end
  };
  Kind kind = Kind::kEnd;
  std::string text;  // of kLine, without its newline; of kInterrupt, what was typed so far
};

/// What the word under the cursor can become: the text before the cursor is given, and what comes
/// back are whole words in place of its last one.
struct Completion {
  size_t begin = 0;  // where the word begins
  std::vector<std::string> words;
};
using Completer = std::function<Completion(std::string_view before_cursor)>;

class LineEditor {
 public:
  virtual ~LineEditor() = default;
  /// prefill: text that is there already, for the user to change. A plain editor cannot do that
  /// and must not be asked to.
  virtual TypedLine read(const std::string& prompt, const std::string& prefill) = 0;
  virtual void add_history(const std::string& text) = 0;
  virtual bool can_prefill() const = 0;
};

/// Lines of standard input; the prompt is written to `prompt_fd`, or not at all where it is -1.
std::unique_ptr<LineEditor> make_plain_editor(int prompt_fd);

/// Editing on the terminal of standard input, shown on `output_fd`, a terminal too. Null where
/// libedit finds it cannot: an unknown terminal. colour: the prompt may have some.
std::unique_ptr<LineEditor> make_terminal_editor(int output_fd, bool colour, Completer completer);

/// Reads a whole message: a line; several where a line ends in a backslash, or between two lines
/// of """. `message` of an interrupt is what was typed so far.
TypedLine read_message(LineEditor& editor, const std::string& prompt, const std::string& prefill);

}  // namespace tern::tools
