#include "option_parsers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/result.h"
#include "escape.h"

namespace tern::tools {

std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<float> parse_float(std::string_view text) {
  // from_chars knows no plus sign, and people write --temp +0.5 only by mistake.
  float value = 0.0f;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || std::isnan(value)) {
    return std::nullopt;
  }
  return value;
}

Result<std::vector<TokenId>> parse_token_ids(std::string_view text) {
  constexpr std::string_view kSeparators = ", \t\r\n";
  std::vector<TokenId> ids;
  for (size_t pos = text.find_first_not_of(kSeparators); pos != std::string_view::npos;
       pos = text.find_first_not_of(kSeparators, pos)) {
    const size_t end = std::min(text.find_first_of(kSeparators, pos), text.size());
    const std::string_view word = text.substr(pos, end - pos);
    const std::optional<int64_t> id = parse_integer(word);
    if (!id || *id < 0 || *id > std::numeric_limits<TokenId>::max()) {
      return make_error(ErrorCode::kUsage, "{} is not a token id", quote(word.substr(0, 40)));
    }
    ids.push_back(static_cast<TokenId>(*id));
    pos = end;
  }
  return ids;
}

Result<std::pair<TokenId, float>> parse_logit_bias(std::string_view text) {
  const size_t equals = text.find('=');
  const auto id = parse_integer(text.substr(0, equals));
  const auto bias =
      equals == std::string_view::npos ? std::nullopt : parse_float(text.substr(equals + 1));
  if (!id || !bias || *id < 0 || *id > std::numeric_limits<TokenId>::max()) {
    return with_hint(make_error(ErrorCode::kUsage, "--logit-bias: {} is not ID=BIAS", quote(text)),
                     "for example --logit-bias 15=2.5 or --logit-bias 15=-inf");
  }
  return std::pair(static_cast<TokenId>(*id), *bias);
}

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

std::string join_choices(const std::vector<std::string>& words, const char* separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

std::string unknown_choice(const std::string& option, const std::string& word,
                           const std::vector<std::string>& words) {
  const auto nearest = nearest_name(word, words);
  return fmt::format("{}: {} is not one of {}{}", option, quote(word), join_choices(words, ", "),
                     nearest ? fmt::format(" (did you mean {}?)", *nearest) : "");
}

}  // namespace tern::tools
