// The commands and options of the program as data, read from the parser itself: completions and
// manual pages are made of it, so they cannot differ from --help.
#pragma once

#include <string>
#include <vector>

#include "cli_fwd.h"

namespace tern::tools {

struct OptionEntry {
  std::vector<std::string> names;    // "-t", "--threads"; of a positional argument: its name
  std::string value;                 // as --help shows it: "N", "auto|t2|t5"; "": a switch
  std::vector<std::string> choices;  // where the value is one of some words
  std::string help;
  std::string group;
  bool is_positional = false;
  bool is_path = false;
};

struct CommandEntry {
  std::string name;  // "": the program itself
  std::string summary;
  std::string footer;
  std::vector<OptionEntry> options;  // in the order of --help
};

/// The program first, then its commands in the order of its help.
std::vector<CommandEntry> command_table(const CLI::App& program);

}  // namespace tern::tools
