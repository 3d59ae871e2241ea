#include "chat/chat_settings.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/result.h"
#include "escape.h"
#include "suggest.h"
#include "value_parsers.h"

namespace tern::tools {
namespace {

Error bad_value(const std::string& value, const char* expected) {
  return make_error(ErrorCode::kUsage, "{} is not {}", quote(value), expected);
}

template <float SamplingOptions::*member>
struct FloatSetting {
  static std::string get(const GenerateOptions& options) {
    return fmt::format("{}", options.sampling.*member);
  }
  static Result<void> set(GenerateOptions& options, const std::string& value) {
    const auto number = parse_float(value);
    if (!number) return bad_value(value, "a number");
    options.sampling.*member = *number;
    return {};
  }
};

Result<int> parse_int(const std::string& value, int least) {
  const auto number = parse_integer(value);
  if (!number || *number < least || *number > std::numeric_limits<int>::max()) {
    return bad_value(value, least < 0 ? "a whole number, -1 or more" : "a whole number, 0 or more");
  }
  return static_cast<int>(*number);
}

template <int SamplingOptions::*member, int least>
struct IntegerSetting {
  static std::string get(const GenerateOptions& options) {
    return std::to_string(options.sampling.*member);
  }
  static Result<void> set(GenerateOptions& options, const std::string& value) {
    TERN_ASSIGN_OR_RETURN(options.sampling.*member, parse_int(value, least));
    return {};
  }
};

struct Setting {
  const char* name;
  std::string (*get)(const GenerateOptions& options);
  Result<void> (*set)(GenerateOptions& options, const std::string& value);
};

template <typename Row>
constexpr Setting row(const char* name) {
  return {name, Row::get, Row::set};
}

struct Seed {
  static std::string get(const GenerateOptions& options) {
    return std::to_string(options.sampling.seed);
  }
  static Result<void> set(GenerateOptions& options, const std::string& value) {
    const auto number = parse_integer(value);
    if (!number || *number < 0) return bad_value(value, "a whole number, 0 or more");
    options.sampling.seed = static_cast<uint64_t>(*number);
    return {};
  }
};

struct Length {
  static std::string get(const GenerateOptions& options) {
    return std::to_string(options.n_predict);
  }
  static Result<void> set(GenerateOptions& options, const std::string& value) {
    TERN_ASSIGN_OR_RETURN(options.n_predict, parse_int(value, -1));
    return {};
  }
};

// The names are those of the flags.
constexpr std::array kSettings = {
    row<FloatSetting<&SamplingOptions::temperature>>("temp"),
    row<IntegerSetting<&SamplingOptions::top_k, 0>>("top-k"),
    row<FloatSetting<&SamplingOptions::top_p>>("top-p"),
    row<FloatSetting<&SamplingOptions::min_p>>("min-p"),
    row<FloatSetting<&SamplingOptions::repeat_penalty>>("repeat-penalty"),
    row<IntegerSetting<&SamplingOptions::penalty_last_n, -1>>("repeat-last-n"),
    row<FloatSetting<&SamplingOptions::presence_penalty>>("presence-penalty"),
    row<FloatSetting<&SamplingOptions::frequency_penalty>>("frequency-penalty"),
    row<Seed>("seed"),
    row<Length>("n-predict"),
};
// Settings of the shell itself.
constexpr const char* kThink = "think";
constexpr const char* kWrap = "wrap";
constexpr std::array<Choice<ThinkMode>, 3> kThinkModes = {
    {{"show", ThinkMode::kShow}, {"hide", ThinkMode::kHide}, {"off", ThinkMode::kOff}}};

Result<void> set_think(ChatShell& shell, const std::string& value) {
  for (const Choice<ThinkMode>& mode : kThinkModes) {
    if (value == mode.name) return shell.set_think(mode.value);
  }
  return bad_value(value, "show, hide or off");
}

Result<void> set_wrap(ChatShell& shell, const std::string& value) {
  if (value != "on" && value != "off") return bad_value(value, "on or off");
  shell.set_wrap(value == "on");
  return {};
}

}  // namespace

std::vector<std::string> setting_names() {
  std::vector<std::string> names;
  for (const Setting& setting : kSettings) names.emplace_back(setting.name);
  names.emplace_back(kThink);
  names.emplace_back(kWrap);
  return names;
}

Result<void> change_setting(ChatShell& shell, const std::string& name, const std::string& value) {
  if (name == kThink) return set_think(shell, value);
  if (name == kWrap) return set_wrap(shell, value);
  const auto setting = std::find_if(kSettings.begin(), kSettings.end(),
                                    [&name](const Setting& s) { return name == s.name; });
  if (setting == kSettings.end()) {
    const auto nearest = nearest_name(name, setting_names());
    return with_hint(make_error(ErrorCode::kUsage, "there is no setting {}", quote(name)),
                     nearest ? "did you mean " + *nearest + "?" : "/set lists all of them");
  }
  GenerateOptions changed = shell.generation();
  TERN_RETURN_IF_ERROR(setting->set(changed, value));
  TERN_RETURN_IF_ERROR(
      validate(changed.sampling, shell.chat().session().model().tokenizer().n_vocab()));
  shell.generation() = std::move(changed);
  return {};
}

std::vector<std::pair<std::string, std::string>> settings_of(const ChatShell& shell) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const Setting& setting : kSettings) {
    settings.emplace_back(setting.name, setting.get(shell.generation()));
  }
  settings.emplace_back(
      kThink, choice_name(std::span<const Choice<ThinkMode>>(kThinkModes), shell.think()));
  settings.emplace_back(kWrap, shell.wrap() ? "on" : "off");
  return settings;
}

}  // namespace tern::tools
