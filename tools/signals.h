// Ctrl-C and SIGTERM: the first asks the running command to end cleanly, the second kills.
// Process-wide by nature.
#pragma once

#include <termios.h>

#include <atomic>
#include <optional>

namespace tern::tools {

/// Installs the handlers and ignores SIGPIPE and SIGXFSZ, so that a reader that has gone and a
/// limit on the size of files are ordinary write errors. A signal that the caller of the program
/// ignores (nohup, a background job) stays ignored; except SIGCHLD, which has to be at its default
/// for commands that we start.
void install_signal_handlers();

/// After a Ctrl-C that has been heeded: the next one is a first one again. Does nothing after
/// SIGTERM, which asks the whole program to end.
void rearm_interrupt();

/// What a second signal, which kills, first does to the terminal `fd`; no value: nothing. For those
/// who change how the terminal works.
void restore_when_killed(int fd, const std::optional<termios>& state);

/// True after the first SIGINT or SIGTERM.
const std::atomic<bool>& interrupt_flag();

/// Exit code of a command that was interrupted: 130 after SIGINT, 8 after SIGTERM.
int interrupted_exit_code();

}  // namespace tern::tools
