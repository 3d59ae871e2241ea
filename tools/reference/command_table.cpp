#include "reference/command_table.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace tern::tools {
namespace {

// Words in lower case separated by bars are all that may be given; "FILE|JSON" is not that.
std::vector<std::string> choices_of(const std::string& value) {
  if (value.find('|') == std::string::npos) return {};
  const bool has_upper =
      std::any_of(value.begin(), value.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (has_upper) return {};
  std::vector<std::string> words;
  for (size_t begin = 0; begin <= value.size();) {
    const size_t end = std::min(value.find('|', begin), value.size());
    words.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

OptionEntry entry_of(const CLI::Option& option) {
  OptionEntry entry;
  entry.is_positional = !option.nonpositional();
  if (entry.is_positional) {
    entry.names.push_back(option.get_name(true, false));
  } else {
    for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  }
  entry.value = option.get_option_text();
  entry.choices = choices_of(entry.value);
  entry.is_path = entry.value.find("FILE") != std::string::npos ||
                  entry.value.find("DIR") != std::string::npos ||
                  entry.value.find("jinja") != std::string::npos;
  entry.help = option.get_description();
  entry.group = option.get_group();
  return entry;
}

CommandEntry entry_of(const CLI::App& app, const std::string& name) {
  CommandEntry entry;
  entry.name = name;
  entry.summary = app.get_description();
  entry.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    entry.options.push_back(entry_of(*option));
  }
  return entry;
}

}  // namespace

std::vector<CommandEntry> command_table(const CLI::App& program) {
  std::vector<CommandEntry> table = {entry_of(program, "")};
  for (const CLI::App* command : program.get_subcommands({})) {
    table.push_back(entry_of(*command, command->get_name()));
  }
  return table;
}

}  // namespace tern::tools
