// Options of the command line with strict values: every helper adds one option that parses its
// value itself, so that "0x10", "1e9999" or "12abc" are errors that say what was expected. Used by
// all commands; values from the environment and the configuration file go through the same parsers.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "value_parsers.h"

namespace tern::tools {

/// The long name in "-t,--threads"; the positional name where there is none.
std::string long_name(const std::string& names);

/// An integer in [min, max].
CLI::Option* add_integer(CLI::App& app, const std::string& names, int& target, int min, int max,
                         const std::string& help);
/// Integers in [min, max], separated by commas; the option may be given several times and its
/// values are joined. Replaces what `targets` held.
CLI::Option* add_integers(CLI::App& app, const std::string& names, std::vector<int>& targets,
                          int min, int max, const std::string& help);
CLI::Option* add_float(CLI::App& app, const std::string& names, float& target,
                       const std::string& help);
/// `what` names the value in the help: FILE, TEXT.
CLI::Option* add_text(CLI::App& app, const std::string& names, std::string& target,
                      const std::string& what, const std::string& help);
/// May be given several times; every value is one text, commas and all.
CLI::Option* add_texts(CLI::App& app, const std::string& names, std::vector<std::string>& target,
                       const std::string& what, const std::string& help);
CLI::Option* add_switch(CLI::App& app, const std::string& names, bool& target,
                        const std::string& help);

template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& names, T& target,
                        std::span<const Choice<T>> choices, const std::string& help) {
  std::vector<std::string> words;
  for (const Choice<T>& choice : choices) words.emplace_back(choice.name);
  const std::string option_text = join_choices(words, "|");
  const std::string option = long_name(names);
  CLI::Option* added = app.add_option(
      names,
      [&target, choices, words, option](const CLI::results_t& results) {
        for (const Choice<T>& choice : choices) {
          if (results[0] == choice.name) {
            target = choice.value;
            return true;
          }
        }
        throw CLI::ValidationError(unknown_choice(option, results[0], words));
      },
      help);
  added->option_text(option_text);
  return added;
}

/// Several of a few words, separated by commas. Replaces what `targets` held.
template <typename T>
CLI::Option* add_choices(CLI::App& app, const std::string& names, std::vector<T>& targets,
                         const std::vector<Choice<T>>& choices, const std::string& help) {
  std::vector<std::string> words;
  for (const Choice<T>& choice : choices) words.emplace_back(choice.name);
  const std::string option = long_name(names);
  CLI::Option* added = app.add_option(
      names,
      [&targets, choices, words, option](const CLI::results_t& results) {
        targets.clear();
        for (const std::string& word : CLI::detail::split(results[0], ',')) {
          const auto found =
              std::find_if(choices.begin(), choices.end(),
                           [&](const Choice<T>& choice) { return choice.name == word; });
          if (found == choices.end()) {
            throw CLI::ValidationError(unknown_choice(option, word, words));
          }
          targets.push_back(found->value);
        }
        return true;
      },
      help);
  added->option_text("NAME[,NAME...]");
  return added;
}

}  // namespace tern::tools
