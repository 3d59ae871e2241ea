// How commands confine themselves before they open what strangers may have written
// (src/sandbox/README.md): the option, what each kind of command may still reach, and what is said
// of it. Confined to the main thread.
#pragma once

#include <string>

#include "cli_fwd.h"
#include "json_output.h"
#include "log.h"
#include "sandbox/sandbox.h"
#include "tern/error.h"

namespace tern::tools {

CLI::Option* add_no_sandbox(CLI::App& app, bool& off);

/// Reads a model, split or not, this machine's description and what `tern tune` found, and nothing
/// else. `path`: "" for a model without a file.
sandbox::Policy policy_of_model(const std::string& path);
/// Reads what the user can read, writes nothing.
sandbox::Policy policy_of_reader();

/// The walls around this process, for as long as it lives.
class Sandbox {
 public:
  /// off: --no-sandbox. log outlives the object.
  Sandbox(bool off, Log& log) : is_off_(off), log_(log) {}

  /// REQUIRES: no thread was begun. What the kernel refuses is said, and the command goes on.
  void enter(const sandbox::Policy& policy);
  /// The model is loaded: from now on nothing is opened and no thread begins.
  void close();
  /// For a command that cannot work confined.
  void stay_out(const std::string& reason);

  bool is_on() const { return state_.filtered || state_.landlock_abi > 0; }
  /// "on", "partial" (one wall of two), "off".
  const char* mode() const;
  /// mode() and why, in one line.
  std::string text() const;
  /// {"state", "seccomp", "landlock", "closed", "reason"}
  Json json() const;

 private:
  bool is_off_;
  bool is_closed_ = false;
  Log& log_;
  sandbox::State state_;
};

/// One line about what the kernel offers, for `tern doctor`.
std::string support_text(const sandbox::Support& support);

}  // namespace tern::tools
