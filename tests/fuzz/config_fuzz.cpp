// Any bytes as config.json: settings are applied to a command of each kind of option, or refused
// with a message. Lines of NAME=VALUE before the first brace are environment variables.
#include <sys/mman.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings.h"
#include "tests/fuzz/check_message.h"

namespace {

using namespace tern;

/// A home folder for the configuration file, away with the program.
class Home {
 public:
  Home()
      : path_(std::filesystem::temp_directory_path() /
              ("tern-config-fuzz-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_ / "tern");
  }
  ~Home() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path config() const { return path_ / "tern/config.json"; }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Home home;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::map<std::string, std::string, std::less<>> variables;
  variables["XDG_CONFIG_HOME"] = home.path();
  while (!input.empty() && input.front() != '{') {
    const std::string_view line = input.substr(0, input.find('\n'));
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) break;
    variables[std::string(line.substr(0, equals))] = line.substr(equals + 1);
    input.remove_prefix(std::min(input.size(), line.size() + 1));
  }
  std::ofstream(home.config(), std::ios::binary | std::ios::trunc)
      .write(input.data(), static_cast<std::streamsize>(input.size()));
  const tools::Environment environment =
      [&variables](const std::string& name) -> std::optional<std::string> {
    const auto variable = variables.find(name);
    if (variable == variables.end() || variable->second.empty()) return std::nullopt;
    return variable->second;
  };
  CLI::App program;
  CLI::App* command = program.add_subcommand("run");
  int threads = 0;
  double temp = 0.0;
  bool verbose = false;
  std::string model;
  std::vector<std::string> stops;
  command->add_option("-t,--threads", threads)->check(CLI::Range(0, 1024));
  command->add_option("--temp", temp);
  command->add_flag("--verbose", verbose);
  command->add_option("-m,--model", model);
  command->add_option("--stop", stops);
  std::string fixed;
  command->add_option("--fixed", fixed)->configurable(false);
  program.parse("run");
  for (const char* flag : {"threads", "stop", "isa", "not-there"}) {
    const auto preset = tools::preset_of(flag, environment);
    if (preset && preset->source.empty()) std::abort();
  }
  const auto presets = tools::all_presets(program, environment);
  const auto applied = tools::apply_settings(program, *command, environment);
  if (!presets) test::check_message(presets.error().message);
  if (!applied) {
    test::check_message(applied.error().message);
    return 0;
  }
  // What was applied was listed, and within what the options allow.
  if (!presets || threads < 0 || threads > 1024) std::abort();
  return 0;
}
