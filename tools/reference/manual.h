// Manual pages in man(7) macros. Pure functions.
#pragma once

#include <span>
#include <string>

#include "reference/command_table.h"

namespace tern::tools {

/// The page of the whole program, tern(1).
std::string program_manual(std::span<const CommandEntry> table, const std::string& version);
/// The page of one command, tern-COMMAND(1).
std::string command_manual(const CommandEntry& command, const std::string& version);

}  // namespace tern::tools
