// Precedence of flag, environment, configuration file and default, seen through the program.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "program.h"
#include "settings.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;

class SettingsTest : public testing::Test {
 protected:
  void write_config(const std::string& text) {
    std::filesystem::create_directories(folder_.file("tern"));
    std::ofstream(folder_.file("tern/config.json")) << text;
  }

  Outcome run(std::vector<std::string> arguments,
              std::map<std::string, std::string> variables = {}) {
    Call call;
    call.arguments = std::move(arguments);
    call.variables = std::move(variables);
    call.variables["XDG_CONFIG_HOME"] = folder_.path();
    return run_program(call);
  }

  int threads_of(std::vector<std::string> more, std::map<std::string, std::string> variables = {}) {
    std::vector<std::string> arguments = {"doctor", "--no-measure", "--output", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run(arguments, std::move(variables));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return Json::parse(outcome.out)["kernels"]["threads"].get<int>();
  }

  TempDir folder_;
};

TEST_F(SettingsTest, AFlagWinsOverTheEnvironmentAndThatOverTheFile) {
  write_config(R"({"threads": 2, "temp": 0.5})");
  EXPECT_EQ(threads_of({}), 2);
  EXPECT_EQ(threads_of({}, {{"TERN_THREADS", "3"}}), 3);
  EXPECT_EQ(threads_of({"-t", "1"}, {{"TERN_THREADS", "3"}}), 1);
  EXPECT_EQ(threads_of({}, {{"TERN_THREADS", ""}}), 2);  // empty is unset
}

TEST_F(SettingsTest, PromptsMayHaveMoreOrFewerThreads) {
  struct Counts {
    std::vector<std::string> flags;
    int threads, threads_batch;
  };
  for (const Counts& c : {Counts{{"-t", "2"}, 2, 2},
                          {{"-t", "1", "--threads-batch", "3"}, 1, 3},
                          {{"-t", "3", "--threads-batch", "1"}, 3, 1},
                          {{"-t", "3", "--threads-batch", "0"}, 3, 3}}) {
    std::vector<std::string> arguments = {"run", "-m",       tiny_model(), "-n",
                                          "2",   "--output", "json",       "x"};
    arguments.insert(arguments.end(), c.flags.begin(), c.flags.end());
    const Outcome outcome = run(arguments);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const Json kernels = Json::parse(outcome.out)["kernels"];
    EXPECT_EQ(kernels["threads"], c.threads);
    EXPECT_EQ(kernels["threads_batch"], c.threads_batch);
  }
  write_config(R"({"threads": 2, "threads-batch": 3})");
  EXPECT_EQ(threads_of({}), 2);
  const Json by_default = Json::parse(run({"doctor", "--no-measure", "--output", "json"}).out);
  EXPECT_EQ(by_default["kernels"]["threads_batch"], 3);
  EXPECT_EQ(by_default["threads"]["used"], 3);
}

TEST_F(SettingsTest, EveryKindOfValueCanBeSet) {
  write_config(R"({"model": ")" + tiny_model() + R"(", "n-predict": 4, "temp": 0.0,
                  "ignore-eos": true, "no-echo-prompt": true, "output": "json", "seed": 5,
                  "logit-bias": ["65=1000", "66=-inf"], "stop": "AAA"})");
  const Outcome outcome = run({"run", "x"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = Json::parse(outcome.out, nullptr, false);
  EXPECT_EQ(json["model"]["path"], tiny_model());
  EXPECT_EQ(json["seed"], 5);
  EXPECT_EQ(json["tokens"][0]["id"], 65);
  EXPECT_LE(json["tokens"].size(), 4u);
  const Outcome text = run({"run", "x"}, {{"TERN_OUTPUT", "text"}, {"TERN_N_PREDICT", "1"}});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_EQ(text.out.size(), 1u) << text.out;
}

TEST_F(SettingsTest, MistakesNameTheirSource) {
  struct Mistake {
    std::string config;
    int exit_code;
    std::string expected;
  };
  for (const Mistake& mistake : {Mistake{R"({"thread": 2})", 2, "did you mean \"threads\"?"},
                                 Mistake{R"({"threads": "many"})", 2, "config.json: \"threads\""},
                                 Mistake{R"({"threads": null})", 2, "config.json: \"threads\""},
                                 Mistake{R"({"threads": [1, 2]})", 2, "config.json: \"threads\""},
                                 Mistake{R"({"prompt": "x"})", 2, "cannot be set here"},
                                 Mistake{R"({"threads": 2)", 4, "not a JSON object"},
                                 Mistake{R"([1])", 4, "not a JSON object"}}) {
    write_config(mistake.config);
    const Outcome outcome = run({"doctor", "--no-measure"});
    EXPECT_EQ(outcome.exit_code, mistake.exit_code) << mistake.config << outcome.err;
    EXPECT_NE(outcome.err.find(mistake.expected), std::string::npos) << mistake.config << "\n"
                                                                     << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
  write_config("{}");
  const Outcome variable = run({"doctor", "--no-measure"}, {{"TERN_THREADS", "many"}});
  EXPECT_EQ(variable.exit_code, 2);
  EXPECT_NE(variable.err.find("TERN_THREADS"), std::string::npos) << variable.err;
}

TEST_F(SettingsTest, AKeyOfAnotherCommandIsNoMistake) {
  write_config(R"({"temp": 0.3, "top-k": 5, "threads": 1})");
  EXPECT_EQ(run({"doctor", "--no-measure"}).exit_code, 0);
}

TEST_F(SettingsTest, APresetNamesItsSource) {
  const auto preset = [this](std::map<std::string, std::string> variables) {
    variables["XDG_CONFIG_HOME"] = folder_.path();
    return tools::preset_of("threads", [variables](const std::string& name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
  };
  EXPECT_FALSE(preset({}).has_value());
  write_config(R"({"threads": 2})");
  ASSERT_TRUE(preset({}).has_value());
  EXPECT_EQ(preset({})->value, "2");
  EXPECT_TRUE(preset({})->source.ends_with("config.json: \"threads\"")) << preset({})->source;
  EXPECT_EQ(preset({{"TERN_THREADS", "3"}})->source, "TERN_THREADS");
  EXPECT_EQ(preset({{"TERN_THREADS", "3"}})->value, "3");
  for (const char* config : {"{}", "[1]", R"({"threads": [1, 2]})", "{"}) {
    write_config(config);
    EXPECT_FALSE(preset({}).has_value()) << config;
  }
}

TEST_F(SettingsTest, TheFileIsFoundAsXdgSays) {
  const auto with = [](std::map<std::string, std::string> variables) {
    return tools::config_path([variables](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    });
  };
  EXPECT_EQ(with({{"XDG_CONFIG_HOME", "/x"}, {"HOME", "/h"}}), "/x/tern/config.json");
  EXPECT_EQ(with({{"HOME", "/h"}}), "/h/.config/tern/config.json");
  EXPECT_EQ(with({{"XDG_CONFIG_HOME", "relative"}, {"HOME", "/h"}}), "/h/.config/tern/config.json");
  EXPECT_EQ(with({}), std::nullopt);
  EXPECT_EQ(tools::variable_name("top-k"), "TERN_TOP_K");
  EXPECT_EQ(tools::variable_name("isa"), "TERN_FORCE_ISA");
}

}  // namespace
}  // namespace tern::test
