// While an answer is written, keys that are typed are kept for the next line and not shown in the
// middle of the text; Ctrl-C and Ctrl-Z work. Confined to the main thread.
#pragma once

#include <termios.h>

#include <optional>

namespace tern::tools {

class QuietTerminal {
 public:
  /// Does nothing where standard input is no terminal.
  QuietTerminal();
  ~QuietTerminal();
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

 private:
  std::optional<termios> before_;
};

}  // namespace tern::tools
