#include "reference/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace tern::tools {
namespace {

std::string joined(const std::vector<std::string>& words, const char* separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

std::vector<std::string> command_names(std::span<const CommandEntry> table) {
  std::vector<std::string> names;
  for (const CommandEntry& command : table.subspan(1)) names.push_back(command.name);
  return names;
}

std::vector<std::string> option_names(const CommandEntry& command) {
  std::vector<std::string> names;
  for (const OptionEntry& option : command.options) {
    if (option.is_positional) continue;
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

// `text` in single quotes, as sh, bash and zsh read it.
std::string shell_quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// fish knows two escapes in single quotes.
std::string fish_quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

// A text within a specification of _arguments.
std::string zsh_escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_action(const OptionEntry& option) {
  if (!option.choices.empty()) return "(" + joined(option.choices, " ") + ")";
  return option.is_path ? "_files" : " ";
}

}  // namespace

std::string bash_completion(std::span<const CommandEntry> table) {
  std::string values;
  std::string words;
  for (const CommandEntry& command : table) {
    for (const OptionEntry& option : command.options) {
      if (option.is_positional || option.value.empty()) continue;
      std::vector<std::string> patterns;
      for (const std::string& name : option.names) patterns.push_back(command.name + ":" + name);
      std::string reply;
      if (!option.choices.empty()) {
        reply = fmt::format("_tern_words {}; ", shell_quoted(joined(option.choices, " ")));
      } else if (option.is_path) {
        reply = "_tern_files; ";
      }
      values += fmt::format("    {}) {}return ;;\n", joined(patterns, " | "), reply);
    }
    const std::string all = joined(option_names(command), " ");
    words += command.name.empty()
                 ? fmt::format("    '') _tern_words {} ;;\n",
                               shell_quoted(joined(command_names(table), " ") + " " + all))
                 : fmt::format("    {}) _tern_words {} ;;\n", command.name, shell_quoted(all));
  }
  return fmt::format(R"(# Completion of tern for bash: source this, or keep it as
# $XDG_DATA_HOME/bash-completion/completions/tern

_tern_words() {{ COMPREPLY=($(compgen -W "$1" -- "$current")); }}
_tern_files() {{
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$current")
}}

_tern() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command= word
  COMPREPLY=()
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case $word in
    {}) command=$word; break ;;
    esac
  done
  case $command:$before in
{}  esac
  if [[ -n $command && $current != -* ]]; then _tern_files; return; fi
  case $command in
{}  esac
}}

complete -F _tern tern
)",
                     joined(command_names(table), " | "), values, words);
}

std::string zsh_completion(std::span<const CommandEntry> table) {
  std::string commands;
  std::string cases;
  for (const CommandEntry& command : table.subspan(1)) {
    commands +=
        fmt::format("    {}\n", shell_quoted(command.name + ":" + zsh_escaped(command.summary)));
    cases += fmt::format("  {})\n    _arguments -s", command.name);
    for (const OptionEntry& option : command.options) {
      if (option.is_positional) continue;
      for (const std::string& name : option.names) {
        std::string spec = fmt::format("*{}[{}]", name, zsh_escaped(option.help));
        if (!option.value.empty()) {
          spec += fmt::format(":{}:{}", zsh_escaped(option.value), zsh_action(option));
        }
        cases += " \\\n      " + shell_quoted(spec);
      }
    }
    cases += " \\\n      '*:file:_files'\n    ;;\n";
  }
  return fmt::format(R"(#compdef tern
# Completion of tern for zsh: keep it as _tern in a folder of $fpath.

local -a commands
if (( CURRENT == 2 )); then
  commands=(
{}  )
  _describe command commands
  return
fi
local command=$words[2]
shift words
(( CURRENT-- ))
case $command in
{}esac
)",
                     commands, cases);
}

std::string fish_completion(std::span<const CommandEntry> table) {
  std::string text =
      "# Completion of tern for fish: keep it as $XDG_CONFIG_HOME/fish/completions/tern.fish\n\n";
  for (const CommandEntry& command : table) {
    const std::string condition = command.name.empty()
                                      ? std::string("__fish_use_subcommand")
                                      : "__fish_seen_subcommand_from " + command.name;
    if (!command.name.empty()) {
      text += fmt::format("complete -c tern -n __fish_use_subcommand -f -a {} -d {}\n",
                          command.name, fish_quoted(command.summary));
    }
    for (const OptionEntry& option : command.options) {
      if (option.is_positional) continue;
      text += fmt::format("complete -c tern -n {}", fish_quoted(condition));
      for (const std::string& name : option.names) {
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (!option.choices.empty()) {
        text += " -x -a " + fish_quoted(joined(option.choices, " "));
      } else if (option.is_path) {
        text += " -r -F";
      } else if (!option.value.empty()) {
        text += " -x";
      }
      text += " -d " + fish_quoted(option.help) + "\n";
    }
  }
  return text;
}

}  // namespace tern::tools
