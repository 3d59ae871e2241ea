// Ctrl-C and SIGTERM: the first asks the running command to end cleanly, the second kills.
// Process-wide by nature.
#pragma once

#include <atomic>

namespace tern::tools {

/// Installs the handlers and ignores SIGPIPE and SIGXFSZ, so that a reader that has gone and a
/// limit on the size of files are ordinary write errors. A signal that the caller of the program
/// ignores (nohup, a background job) stays ignored; except SIGCHLD, which has to be at its default
/// for commands that we start.
void install_signal_handlers();

/// True after the first SIGINT or SIGTERM.
const std::atomic<bool>& interrupt_flag();

/// Exit code of a command that was interrupted: 130 after SIGINT, 8 after SIGTERM.
int interrupted_exit_code();

}  // namespace tern::tools
