// Completions and manual pages say what --help says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "program.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;

std::string printed(std::vector<std::string> arguments) {
  const Outcome outcome = tern(std::move(arguments));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return outcome.out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The commands that the program's help lists.
std::vector<std::string> commands() {
  std::vector<std::string> names;
  bool is_there = false;
  for (const std::string& line : lines_of(printed({"--help"}))) {
    std::smatch match;
    if (is_there && std::regex_match(line, match, std::regex("  ([a-z]+) .*"))) {
      names.push_back(match[1]);
    }
    is_there = line == "Commands:" || (is_there && !line.empty());
  }
  return names;
}

/// The names of options in a help text: "-t", "--threads".
std::set<std::string> options(const std::string& help) {
  std::set<std::string> names;
  for (const std::string& line : lines_of(help)) {
    std::smatch match;
    if (!std::regex_search(line, match, std::regex("^  (-[^ ]+)"))) continue;
    std::istringstream list(match[1].str());
    for (std::string name; std::getline(list, name, ',');) names.insert(name);
  }
  return names;
}

bool is_installed(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

std::string output_of(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string text;
  char buffer[4096];
  while (pipe != nullptr) {
    const size_t n = std::fread(buffer, 1, sizeof(buffer), pipe);
    if (n == 0) break;
    text.append(buffer, n);
  }
  EXPECT_EQ(pipe == nullptr ? -1 : ::pclose(pipe), 0) << command;
  return text;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(Reference, HelpListsTheCommands) {
  const auto names = commands();
  EXPECT_GT(names.size(), 10u);
  EXPECT_NE(std::find(names.begin(), names.end(), "run"), names.end());
  EXPECT_TRUE(options(printed({"run", "--help"})).count("--temp") > 0);
}

TEST(Reference, ManualPagesHaveTheOptionsOfHelpAndNoOthers) {
  const std::string program = printed({"manual"});
  for (const std::string& command : commands()) {
    EXPECT_NE(program.find("\\fBtern\\-" + command + "\\fR(1)"), std::string::npos) << command;
    const std::string page = printed({"manual", command});
    std::set<std::string> found;
    for (const std::string& line : lines_of(page)) {
      if (!line.starts_with("\\fB\\-")) continue;
      const std::regex bold("\\\\fB(\\\\-[^ ]*?)\\\\fR");
      for (std::sregex_iterator at(line.begin(), line.end(), bold), end; at != end; ++at) {
        found.insert(std::regex_replace((*at)[1].str(), std::regex("\\\\-"), "-"));
      }
    }
    EXPECT_EQ(found, options(printed({command, "--help"}))) << command;
  }
  const Outcome unknown = tern({"manual", "rnu"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.err.find("did you mean run?"), std::string::npos) << unknown.err;
}

TEST(Reference, CompletionsHaveEveryCommandAndOption) {
  const std::string bash = printed({"completion", "bash"});
  const std::string zsh = printed({"completion", "zsh"});
  const std::string fish = printed({"completion", "fish"});
  for (const std::string& command : commands()) {
    EXPECT_NE(fish.find(" -a " + command + " "), std::string::npos) << command;
    EXPECT_NE(zsh.find("'" + command + ":"), std::string::npos) << command;
    for (const std::string& option : options(printed({command, "--help"}))) {
      EXPECT_NE(bash.find(option), std::string::npos) << command << " " << option;
      EXPECT_NE(zsh.find("'*" + option + "["), std::string::npos) << command << " " << option;
      const std::string in_fish =
          option.starts_with("--") ? " -l " + option.substr(2) : " -s " + option.substr(1);
      EXPECT_NE(fish.find(in_fish + " "), std::string::npos) << command << " " << option;
    }
  }
  EXPECT_EQ(tern({"completion", "csh"}).exit_code, 2);
  EXPECT_EQ(tern({"completion"}).exit_code, 2);
}

TEST(Reference, BashCompletesCommandsOptionsValuesAndFiles) {
  if (!is_installed("bash")) GTEST_SKIP() << "no bash";
  const TempDir folder;
  write_file(folder.file("script"), printed({"completion", "bash"}));
  write_file(folder.file("a model.gguf"), "");
  const auto complete = [&](const std::string& words, int index) {
    const std::string program = "cd '" + folder.path() + "'; source ./script; COMP_WORDS=(" +
                                words + "); COMP_CWORD=" + std::to_string(index) +
                                "; _tern; printf \"%s\\n\" \"${COMPREPLY[@]}\"";
    write_file(folder.file("ask"), program);
    const auto lines = lines_of(output_of("bash --norc '" + folder.file("ask") + "'"));
    return std::set<std::string>(lines.begin(), lines.end());
  };
  using Words = std::set<std::string>;
  EXPECT_EQ(complete("tern per", 1), (Words{"perplexity"}));
  EXPECT_EQ(complete("tern run --top", 2), (Words{"--top-k", "--top-p"}));
  EXPECT_EQ(complete("tern run --kv ''", 3), (Words{"f16", "f32", "q8"}));
  EXPECT_EQ(complete("tern run -m a", 3), (Words{"a model.gguf", "ask"}));
  EXPECT_EQ(complete("tern inspect a", 2), (Words{"a model.gguf", "ask"}));
  EXPECT_EQ(complete("tern run -n ''", 3), (Words{""}));
}

TEST(Reference, OtherShellsAndManUnderstandTheirFiles) {
  const TempDir folder;
  write_file(folder.file("_tern"), printed({"completion", "zsh"}));
  write_file(folder.file("tern.fish"), printed({"completion", "fish"}));
  int n_checked = 0;
  for (const auto& [program, call] : {std::pair("zsh", "zsh -n '" + folder.file("_tern") + "'"),
                                      {"fish", "fish -n '" + folder.file("tern.fish") + "'"}}) {
    if (!is_installed(program)) continue;
    output_of(call);
    ++n_checked;
  }
  if (is_installed("groff")) {
    for (const std::string& command : commands()) {
      write_file(folder.file("page.1"), printed({"manual", command}));
      EXPECT_EQ(output_of("groff -ww -man -z '" + folder.file("page.1") + "' 2>&1"), "") << command;
    }
    ++n_checked;
  }
  if (n_checked == 0) GTEST_SKIP() << "neither zsh, fish nor groff";
}

TEST(ConfigCommand, ShowsWhatIsSetAndWhere) {
  const TempDir folder;
  std::filesystem::create_directory(folder.file("tern"));
  write_file(folder.file("tern/config.json"), R"({"temp": 0.5, "threads": 4, "stop": ["a", "b"]})");
  Call call;
  call.variables = {{"XDG_CONFIG_HOME", folder.path()}, {"TERN_THREADS", "2"}};
  call.arguments = {"config"};
  EXPECT_EQ(run_program(call).out, "stop=a,b\ntemp=0.5\nthreads=2\n");
  call.arguments = {"config", "--show-origin"};
  const std::string file = folder.file("tern/config.json");
  EXPECT_EQ(run_program(call).out, file + ": \"stop\"\tstop=a,b\n" + file +
                                       ": \"temp\"\ttemp=0.5\nTERN_THREADS\tthreads=2\n");
  call.arguments = {"config", "--output", "json"};
  const Json json = Json::parse(run_program(call).out);
  EXPECT_EQ(json["file"], file);
  EXPECT_EQ(json["settings"].size(), 3u);
  EXPECT_EQ(json["settings"][2]["origin"], "TERN_THREADS");
}

TEST(ConfigCommand, MistakesInTheFileAreErrors) {
  const TempDir folder;
  std::filesystem::create_directory(folder.file("tern"));
  write_file(folder.file("tern/config.json"), R"({"thread": 4})");
  Call call;
  call.variables = {{"XDG_CONFIG_HOME", folder.path()}};
  call.arguments = {"config"};
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("threads"), std::string::npos) << outcome.err;
  EXPECT_EQ(tern({"config"}).out, "");
}

}  // namespace
}  // namespace tern::test
