#include "signals.h"

#include <csignal>

#include "tern/error.h"

namespace tern::tools {
namespace {

constexpr int kExitAfterCtrlC = 130;  // 128 + SIGINT, as shells report it

// A signal handler reaches nothing but globals.
std::atomic<bool> interrupted = false;
std::atomic<int> last_signal = 0;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "only lock-free atomics may be used in a signal handler");

// Written before the number is, read after it.
termios terminal_state;
std::atomic<int> terminal = -1;

void set_handlers(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

extern "C" void on_second_signal(int signal) {
  const int fd = terminal.load();
  if (fd >= 0) ::tcsetattr(fd, TCSANOW, &terminal_state);
  set_handlers(SIG_DFL);
  ::raise(signal);
}

extern "C" void on_signal(int signal) {
  last_signal.store(signal);
  interrupted.store(true);
  // From now on either signal kills: a command that does not stop must not be unstoppable.
  set_handlers(on_second_signal);
}

void install(int signal) {
  struct sigaction previous {};
  if (::sigaction(signal, nullptr, &previous) == 0 && previous.sa_handler == SIG_IGN) return;
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigemptyset(&action.sa_mask);
  // No SA_RESTART: a read from a terminal or pipe ends with EINTR and the command sees the flag.
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void install_signal_handlers() {
  std::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow further is an ordinary write error too.
  std::signal(SIGXFSZ, SIG_IGN);
  // A caller that ignores it would have the system forget how our own commands ended.
  std::signal(SIGCHLD, SIG_DFL);
  install(SIGINT);
  install(SIGTERM);
}

void rearm_interrupt() {
  if (last_signal.load() != SIGINT) return;
  set_handlers(on_signal);
  interrupted.store(false);
}

void restore_when_killed(int fd, const std::optional<termios>& state) {
  terminal.store(-1);
  if (!state) return;
  terminal_state = *state;
  terminal.store(fd);
}

const std::atomic<bool>& interrupt_flag() { return interrupted; }

int interrupted_exit_code() {
  return last_signal.load() == SIGINT ? kExitAfterCtrlC : static_cast<int>(ErrorCode::kInterrupted);
}

}  // namespace tern::tools
