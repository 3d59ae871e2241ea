// From arguments to a parsed command: the table of commands, help, and errors that name what was
// meant.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli_fwd.h"
#include "command.h"
#include "settings.h"
#include "tern/error.h"

namespace tern::tools {

/// What the arguments ask for: a command to run, or a text to print (help, version).
struct Invocation {
  Action action;
  std::string text;
};

class CommandLine {
 public:
  explicit CommandLine(std::span<const Command> commands);
  ~CommandLine();

  /// arguments: without the program's name. Fills open options from `environment` and the
  /// configuration file. kUsage and the errors of apply_settings().
  Result<Invocation> parse(std::vector<std::string> arguments, const Environment& environment);

  std::string help() const;

 private:
  Error describe_extras(const CLI::App& command) const;

  std::unique_ptr<CLI::App> program_;
  std::vector<std::pair<CLI::App*, Action>> actions_;
};

}  // namespace tern::tools
