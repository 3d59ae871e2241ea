// Any bytes as config.json: settings are applied to a command of each kind of option, or refused
// with a message.
#include <sys/mman.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
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
  std::ofstream(home.config(), std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  const tools::Environment environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "XDG_CONFIG_HOME") return home.path();
    return std::nullopt;
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
  program.parse("run");
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
