// Values for options that the command line leaves open: first the environment (TERN_THREADS for
// --threads; TERN_FORCE_ISA for --isa), then $XDG_CONFIG_HOME/tern/config.json, whose keys are the
// long flag names. Both go through the same parsers as flags.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli_fwd.h"
#include "tern/error.h"

namespace tern::tools {

/// Reads an environment variable; none when it is unset or empty.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

/// The variable that stands for a long flag: "--top-k" is TERN_TOP_K.
std::string variable_name(const std::string& long_flag);

/// Where the configuration file is looked for; none when there is no home folder.
std::optional<std::string> config_path(const Environment& environment);

/// A value that waits for an option, as text, and what sets it: TERN_THREADS, or the configuration
/// file and the key in it.
struct Preset {
  std::string source, value;
};
/// What would fill an option called --long_flag that the command line leaves open, for commands
/// that do not have it. None for a configuration file that cannot be read.
std::optional<Preset> preset_of(const std::string& long_flag, const Environment& environment);

/// Everything that the environment and the file set for any command, by long flag name, ascending.
/// A list of the file is one value, its parts separated by commas. The errors of apply_settings()
/// for the file as a whole.
Result<std::vector<std::pair<std::string, Preset>>> all_presets(const CLI::App& program,
                                                                const Environment& environment);

/// Fills the options of `command`, a parsed subcommand of `program`, that were not given. kUsage
/// naming variable or key for a value that does not parse, a key that no command has, or one that
/// cannot be set in advance (a prompt); kCorrupt for a file that is not a JSON object.
Result<void> apply_settings(CLI::App& program, CLI::App& command, const Environment& environment);

}  // namespace tern::tools
