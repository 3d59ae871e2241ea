// Runs a shell command and collects what it prints. The only place that starts processes. One call
// at a time per thread; several threads may run commands at once.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tern/error.h"

namespace tern::tools {

struct ChildOptions {
  /// Put before everything in the PATH of the command; "" leaves it as it is.
  std::string path_prefix = {};
  /// Environment of the command: that of this program with these set, and those removed.
  std::vector<std::pair<std::string, std::string>> variables = {};
  std::vector<std::string> removed_variables = {};
  /// A command that prints more is stopped.
  size_t max_output_bytes = size_t{64} << 20;
  /// The command is stopped soon after this becomes true. May be null.
  const std::atomic<bool>* interrupt = nullptr;
  /// Stopping is SIGINT, then SIGTERM, then SIGKILL, with so much time between them.
  std::chrono::milliseconds grace_after_interrupt{2000};
  std::chrono::milliseconds grace_after_terminate{2000};
};

struct ChildOutcome {
  int exit_status = 0;       // of the shell, as it passes on that of the command; 0 after a signal
  int signal = 0;            // that killed the shell; 0: it ended by itself
  bool interrupted = false;  // stopped because options.interrupt was set
  bool printed_too_much = false;  // stopped because of max_output_bytes; `output` holds the first
  std::string output;             // standard output
  std::string error_head;         // the first 64 KiB of standard error
  std::string error_tail;         // the last 8 KiB of standard error; they may overlap

  bool succeeded() const {
    return exit_status == 0 && signal == 0 && !interrupted && !printed_too_much;
  }
  /// "exit status 3", "exit status 127 (command not found)", "killed by signal 9 (Killed)".
  std::string describe() const;
};

/// Runs `/bin/sh -c command` in a process group of its own, with /dev/null as standard input and no
/// other descriptor of this program, and waits for its end. What the shell leaves running in its
/// group is killed then. Ctrl-C reaches this program only; it sets options.interrupt.
/// kUsage for an empty command; kInternal when the system cannot start a process.
Result<ChildOutcome> run_child(const std::string& command, const ChildOptions& options);

}  // namespace tern::tools
