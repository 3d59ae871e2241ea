#include "chat/quiet_terminal.h"

#include <unistd.h>

#include "signals.h"

namespace tern::tools {

QuietTerminal::QuietTerminal() {
  termios state{};
  if (::tcgetattr(STDIN_FILENO, &state) != 0) return;
  before_ = state;
  restore_when_killed(STDIN_FILENO, before_);
  state.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &state);
}

QuietTerminal::~QuietTerminal() {
  if (!before_) return;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &*before_);
  restore_when_killed(STDIN_FILENO, std::nullopt);
}

}  // namespace tern::tools
