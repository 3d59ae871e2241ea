// Scripts that complete commands, options and their values in a shell. Pure functions.
#pragma once

#include <span>
#include <string>

#include "reference/command_table.h"

namespace tern::tools {

std::string bash_completion(std::span<const CommandEntry> table);
std::string zsh_completion(std::span<const CommandEntry> table);
std::string fish_completion(std::span<const CommandEntry> table);

}  // namespace tern::tools
