#include "option_parsers.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "escape.h"

namespace tern::tools {

std::string long_name(const std::string& names) {
  const size_t dashes = names.find("--");
  if (dashes == std::string::npos) return names;
  return names.substr(dashes, names.find(',', dashes) - dashes);
}

namespace {

int checked_integer(const std::string& option, std::string_view text, int min, int max) {
  const auto value = parse_integer(text);
  if (value && *value >= min && *value <= max) return static_cast<int>(*value);
  const std::string range = max == std::numeric_limits<int>::max()
                                ? fmt::format("a whole number, {} or more", min)
                                : fmt::format("a whole number from {} to {}", min, max);
  throw CLI::ValidationError(fmt::format("{}: {} is not {}", option, quote(text), range));
}

}  // namespace

CLI::Option* add_integer(CLI::App& app, const std::string& names, int& target, int min, int max,
                         const std::string& help) {
  const std::string option = long_name(names);
  CLI::Option* added = app.add_option(
      names,
      [&target, min, max, option](const CLI::results_t& results) {
        target = checked_integer(option, results[0], min, max);
        return true;
      },
      help);
  added->option_text("N");
  return added;
}

CLI::Option* add_integers(CLI::App& app, const std::string& names, std::vector<int>& targets,
                          int min, int max, const std::string& help) {
  const std::string option = long_name(names);
  CLI::Option* added = app.add_option(
      names,
      [&targets, min, max, option](const CLI::results_t& results) {
        targets.clear();
        for (std::string_view list : results) {
          for (;;) {
            const size_t comma = list.find(',');
            const int value = checked_integer(option, list.substr(0, comma), min, max);
            // A row that is there already would only be measured twice.
            if (std::find(targets.begin(), targets.end(), value) == targets.end()) {
              targets.push_back(value);
            }
            if (comma == std::string_view::npos) break;
            list.remove_prefix(comma + 1);
          }
        }
        return true;
      },
      help);
  added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  added->option_text("N[,N...]");
  return added;
}

CLI::Option* add_float(CLI::App& app, const std::string& names, float& target,
                       const std::string& help) {
  const std::string option = long_name(names);
  CLI::Option* added = app.add_option(
      names,
      [&target, option](const CLI::results_t& results) {
        const auto value = parse_float(results[0]);
        if (!value) {
          throw CLI::ValidationError(
              fmt::format("{}: {} is not a number", option, quote(results[0])));
        }
        target = *value;
        return true;
      },
      help);
  added->option_text("X");
  return added;
}

CLI::Option* add_text(CLI::App& app, const std::string& names, std::string& target,
                      const std::string& what, const std::string& help) {
  CLI::Option* added = app.add_option(
      names,
      [&target](const CLI::results_t& results) {
        target = results[0];
        return true;
      },
      help);
  added->option_text(what);
  return added;
}

CLI::Option* add_texts(CLI::App& app, const std::string& names, std::vector<std::string>& target,
                       const std::string& what, const std::string& help) {
  CLI::Option* added = app.add_option(
      names,
      [&target](const CLI::results_t& results) {
        target = results;
        return true;
      },
      help);
  added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  added->option_text(what);
  return added;
}

CLI::Option* add_switch(CLI::App& app, const std::string& names, bool& target,
                        const std::string& help) {
  return app.add_flag(names, target, help);
}

}  // namespace tern::tools
