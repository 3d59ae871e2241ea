#include "settings.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "escape.h"
#include "suggest.h"

namespace tern::tools {
namespace {

using ConfigJson = nlohmann::json;

constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 20;

std::string long_flag_of(const CLI::Option& option) {
  const auto& names = option.get_lnames();
  return names.empty() ? std::string() : names.front();
}

bool can_be_set(const CLI::Option& option) {
  return option.get_configurable() && !option.get_lnames().empty();
}

Result<void> set_option(CLI::Option& option, const std::vector<std::string>& values,
                        const std::string& source) {
  try {
    for (const std::string& value : values) option.add_result(value);
    option.run_callback();
  } catch (const CLI::Error& error) {
    return make_error(ErrorCode::kUsage, "{}: {}", source, error.what());
  }
  return {};
}

Result<std::string> scalar_text(const ConfigJson& value, const std::string& source) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number()) return value.dump();
  return make_error(ErrorCode::kUsage,
                    "{}: expected a text, a number, true, false or a list of them", source);
}

/// What a key of the configuration file holds: one text, or those of a list.
Result<std::vector<std::string>> texts_of(const ConfigJson& entry, const std::string& source) {
  std::vector<std::string> texts;
  for (const ConfigJson& item : entry.is_array() ? entry : ConfigJson::array({entry})) {
    TERN_ASSIGN_OR_RETURN(std::string text, scalar_text(item, source));
    texts.push_back(std::move(text));
  }
  return texts;
}

/// How messages name a key of the configuration file.
std::string key_name(const std::string& path, const std::string& flag) {
  return path + ": \"" + flag + "\"";
}

Result<ConfigJson> read_config(const std::string& path) {
  TERN_ASSIGN_OR_RETURN(const auto source, open_file_source(path));
  TERN_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, read_all(*source, kMaxConfigBytes));
  ConfigJson config =
      ConfigJson::parse(bytes.begin(), bytes.end(), nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) {
    return with_hint(
        make_error(ErrorCode::kCorrupt, "{}: not a JSON object", path),
        R"(its keys are long flag names, for example {"threads": 4, "model": "model.gguf"})");
  }
  return config;
}

/// Keys are checked against all commands: one file serves them all, and a key that only another
/// command has is no mistake.
Result<void> check_keys(const ConfigJson& config, const CLI::App& program,
                        const std::string& path) {
  std::vector<std::string> known;
  std::vector<std::string> fixed;
  for (const CLI::App* command : program.get_subcommands({})) {
    for (const CLI::Option* option : command->get_options()) {
      const std::string flag = long_flag_of(*option);
      if (flag.empty()) continue;
      (can_be_set(*option) ? known : fixed).push_back(flag);
    }
  }
  for (const auto& [key, value] : config.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    if (std::find(fixed.begin(), fixed.end(), key) != fixed.end()) {
      return with_hint(make_error(ErrorCode::kUsage, "{}: \"{}\" cannot be set here", path, key),
                       "give --" + key + " on the command line");
    }
    const auto nearest = nearest_name(key, known);
    return with_hint(make_error(ErrorCode::kUsage, "{}: no option is called {}", path, quote(key)),
                     nearest ? "did you mean \"" + *nearest + "\"?"
                             : "keys are long flag names without the dashes");
  }
  return {};
}

/// The configuration file, its keys checked, and its path; an empty object where there is none.
struct Config {
  ConfigJson keys = ConfigJson::object();
  std::string path;
};
Result<Config> read_checked_config(const CLI::App& program, const Environment& environment) {
  Config config;
  const std::optional<std::string> path = config_path(environment);
  std::error_code ignored;
  if (!path || !std::filesystem::exists(*path, ignored)) return config;
  config.path = *path;
  TERN_ASSIGN_OR_RETURN(config.keys, read_config(*path));
  TERN_RETURN_IF_ERROR(check_keys(config.keys, program, *path));
  return config;
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return std::string(value);
  };
}

std::string variable_name(const std::string& long_flag) {
  // The library reads this one too, for programs that have no flags.
  if (long_flag == "isa") return "TERN_FORCE_ISA";
  std::string name = "TERN_" + long_flag;
  for (char& c : name) {
    c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

std::optional<std::string> config_path(const Environment& environment) {
  namespace fs = std::filesystem;
  // The XDG specification has relative paths ignored.
  const auto xdg = environment("XDG_CONFIG_HOME");
  if (xdg && fs::path(*xdg).is_absolute()) return (fs::path(*xdg) / "tern/config.json").string();
  const auto home = environment("HOME");
  if (home) return (fs::path(*home) / ".config/tern/config.json").string();
  return std::nullopt;
}

std::optional<Preset> preset_of(const std::string& long_flag, const Environment& environment) {
  const std::string variable = variable_name(long_flag);
  if (const auto value = environment(variable)) return Preset{variable, *value};
  const std::optional<std::string> path = config_path(environment);
  std::error_code ignored;
  if (!path || !std::filesystem::exists(*path, ignored)) return std::nullopt;
  const Result<ConfigJson> config = read_config(*path);
  if (!config || !config->contains(long_flag)) return std::nullopt;
  const std::string source = key_name(*path, long_flag);
  const Result<std::string> value = scalar_text((*config)[long_flag], source);
  if (!value) return std::nullopt;
  return Preset{source, *value};
}

Result<std::vector<std::pair<std::string, Preset>>> all_presets(const CLI::App& program,
                                                                const Environment& environment) {
  TERN_ASSIGN_OR_RETURN(const Config config, read_checked_config(program, environment));
  std::map<std::string, Preset> found;
  for (const CLI::App* command : program.get_subcommands({})) {
    for (const CLI::Option* option : command->get_options()) {
      if (!can_be_set(*option)) continue;
      const std::string flag = long_flag_of(*option);
      const std::string variable = variable_name(flag);
      if (const auto value = environment(variable)) {
        found.emplace(flag, Preset{variable, *value});
      } else if (config.keys.contains(flag)) {
        const std::string source = key_name(config.path, flag);
        TERN_ASSIGN_OR_RETURN(const auto texts, texts_of(config.keys[flag], source));
        found.emplace(flag, Preset{source, fmt::format("{}", fmt::join(texts, ","))});
      }
    }
  }
  return std::vector<std::pair<std::string, Preset>>(found.begin(), found.end());
}

Result<void> apply_settings(CLI::App& program, CLI::App& command, const Environment& environment) {
  TERN_ASSIGN_OR_RETURN(const Config config, read_checked_config(program, environment));
  for (CLI::Option* option : command.get_options()) {
    if (option->count() > 0 || !can_be_set(*option)) continue;
    const std::string flag = long_flag_of(*option);
    const std::string variable = variable_name(flag);
    if (const auto value = environment(variable)) {
      TERN_RETURN_IF_ERROR(set_option(*option, {*value}, variable));
    } else if (config.keys.contains(flag)) {
      const std::string source = key_name(config.path, flag);
      TERN_ASSIGN_OR_RETURN(const auto values, texts_of(config.keys[flag], source));
      if (!values.empty()) TERN_RETURN_IF_ERROR(set_option(*option, values, source));
    }
  }
  return {};
}

}  // namespace tern::tools
