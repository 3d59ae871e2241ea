// tern tune, and how other commands use what it found. Nothing depends on which choice is fast:
// where a certain one is needed, the stored one is edited.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "program.h"
#include "support/contains.h"
#include "support/temp_dir.h"
#include "tern/cpu.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

class TuneCommand : public testing::Test {
 protected:
  Call call(std::vector<std::string> arguments, std::map<std::string, std::string> more = {}) {
    Call call;
    call.arguments = std::move(arguments);
    // A forced kernel set would win over a tuned one; empty is unset.
    call.variables = {{"XDG_CACHE_HOME", folder_.path()}, {"TERN_FORCE_ISA", ""}};
    for (auto& [name, value] : more) call.variables[name] = value;
    return call;
  }
  Outcome run(std::vector<std::string> arguments, std::map<std::string, std::string> more = {}) {
    return run_program(call(std::move(arguments), std::move(more)));
  }
  Outcome tune(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"tune", "-m", tiny_model(), "--budget", "0.02"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  /// The JSON result of `tern run`.
  Json generate(const std::vector<std::string>& more = {},
                std::map<std::string, std::string> variables = {}) {
    std::vector<std::string> arguments = {"run",  "-m",           tiny_model(), "--temp",
                                          "0",    "-n",           "12",         "--output",
                                          "json", "--ignore-eos", "-p",         "hello"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run(arguments, std::move(variables));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return Json::parse(outcome.out, nullptr, false);
  }
  /// Tunes, then stores a choice that no machine would make.
  void store_odd_choice() {
    ASSERT_EQ(tune().exit_code, 0);
    edit([](Json& value) {
      value["isa"] = "scalar";
      value["threads"] = 3;
      value["threads_batch"] = 2;
      value["weights"] = "L2";
    });
  }
  template <typename Change>
  void edit(Change change) {
    Json json = stored();
    ASSERT_EQ(json["entries"].size(), 1u);
    change(json["entries"][0]["value"]);
    std::ofstream(file_) << json;
  }
  Json stored() const {
    std::ifstream stream(file_);
    return Json::parse(stream, nullptr, false);
  }

  TempDir folder_;
  const std::string file_ = folder_.file("tern/tune.json");
};

TEST_F(TuneCommand, ShowsTheCandidatesAndStoresTheChoice) {
  const Outcome outcome = tune({"--head", "keep"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* part : {"kernels", "threads", "single tokens", "prompts", "tokens/s", "spread",
                           "* choice: ", "stored in ", "undo: tern tune --forget -m "}) {
    EXPECT_TRUE(contains(outcome.out, part)) << part << "\n" << outcome.out;
  }
  EXPECT_TRUE(contains(outcome.out, file_)) << outcome.out;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(stored()["entries"].size(), 1u);
}

TEST_F(TuneCommand, JsonHoldsChoiceAndCandidates) {
  const Outcome outcome = tune({"--output", "json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["model"]["path"], tiny_model());
  EXPECT_EQ(json["stored_in"], file_);
  EXPECT_GT(json["seconds"], 0.0);
  EXPECT_TRUE(json["notes"].is_array());
  EXPECT_EQ(json["default"]["threads"], cpu_topology().n_default_threads);
  int n_chosen = 0;
  for (const Json& candidate : json["candidates"]) {
    EXPECT_TRUE(candidate["phase"] == "decode" || candidate["phase"] == "prefill");
    const Json& rate = candidate["tokens_per_second"];
    if (candidate["chosen"] == false) continue;
    ++n_chosen;
    EXPECT_EQ(candidate["isa"], json["choice"]["isa"]);
    EXPECT_EQ(candidate["weights"], json["choice"]["weights"]);
    EXPECT_EQ(candidate["threads"],
              json["choice"][candidate["phase"] == "decode" ? "threads" : "threads_batch"]);
    EXPECT_GT(rate["median"], 0.0);
    EXPECT_FALSE(rate["samples"].empty());
  }
  EXPECT_EQ(n_chosen, 2);
  const Json value = stored()["entries"][0]["value"];
  for (const char* key : {"isa", "weights", "threads", "threads_batch"}) {
    EXPECT_EQ(value[key], json["choice"][key]) << key;
  }
}

TEST_F(TuneCommand, LaterCommandsUseTheChoice) {
  EXPECT_EQ(generate()["kernels"]["tuned"], false);
  store_odd_choice();
  const Json kernels = generate()["kernels"];
  EXPECT_EQ(kernels["tuned"], true);
  EXPECT_EQ(kernels["isa"], "scalar");
  EXPECT_EQ(kernels["threads"], 3);
  EXPECT_EQ(kernels["threads_batch"], 2);

  const std::string text = folder_.file("text");
  std::ofstream(text) << std::string(300, 'a');
  const Outcome outcome =
      run({"perplexity", "-m", tiny_model(), "-f", text, "--ctx", "32", "--output", "json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json perplexity = Json::parse(outcome.out, nullptr, false);
  EXPECT_EQ(perplexity["kernels"]["tuned"], true);
  EXPECT_EQ(perplexity["kernels"]["threads"], 3);
}

TEST_F(TuneCommand, TheLayoutOfTheWeightsIsMeasuredKeptAndUsed) {
  const Json json = Json::parse(tune({"--output", "json"}).out, nullptr, false);
  std::set<std::string> layouts;
  for (const Json& candidate : json["candidates"]) layouts.insert(candidate["weights"]);
  EXPECT_TRUE(layouts.contains("T2") && layouts.contains("T5"));
  EXPECT_EQ(json["default"]["weights"], "T2");
  store_odd_choice();
  const auto layout = [this](const std::vector<std::string>& more) {
    const Json model = generate(more)["model"];
    return model["weights_layout"].get<std::string>() + " " +
           model["weights_layout_reason"].get<std::string>();
  };
  EXPECT_EQ(layout({}), "L2 tuned");
  EXPECT_EQ(layout({"--weights", "t5"}), "T5 requested");
  EXPECT_EQ(layout({"--no-tune"}), "T2 default");
  EXPECT_EQ(layout({"-t", "1"}), "T2 default") << "tuned with other threads";
  // Found again though the model lies otherwise in memory.
  EXPECT_EQ(generate({"--weights", "t5"})["kernels"]["tuned"], true);
}

TEST_F(TuneCommand, TheChoiceIsAnnouncedWithVerboseOnly) {
  store_odd_choice();
  const std::vector<std::string> arguments = {"run", "-m", tiny_model(), "-n", "1", "x"};
  const Outcome quiet = run(arguments);
  EXPECT_FALSE(contains(quiet.err, "tuned")) << quiet.err;
  std::vector<std::string> verbose = arguments;
  verbose.emplace_back("--verbose");
  EXPECT_TRUE(contains(run(verbose).err, "tuned on 2")) << run(verbose).err;
}

TEST_F(TuneCommand, TokensAreTheSameWithAndWithoutTheChoice) {
  store_odd_choice();
  const Json tuned = generate();
  const Json plain = generate({"--no-tune"});
  EXPECT_EQ(tuned["kernels"]["tuned"], true);
  EXPECT_EQ(plain["kernels"]["tuned"], false);
  ASSERT_EQ(plain["tokens"].size(), 12u);
  EXPECT_EQ(tuned["tokens"], plain["tokens"]) << "ids and log probabilities";
}

TEST_F(TuneCommand, FlagsEnvironmentAndConfigurationGoFirst) {
  store_odd_choice();
  EXPECT_EQ(generate({"-t", "1"})["kernels"]["threads"], 1);
  for (const std::vector<std::string>& flags : std::vector<std::vector<std::string>>{
           {"-t", "3"}, {"--threads-batch", "2"}, {"--isa", "scalar"}, {"--no-tune"}}) {
    EXPECT_EQ(generate(flags)["kernels"]["tuned"], false) << flags[0];
  }
  for (const char* name : {"TERN_THREADS", "TERN_THREADS_BATCH"}) {
    EXPECT_EQ(generate({}, {{name, "2"}})["kernels"]["tuned"], false) << name;
  }
  EXPECT_EQ(generate({}, {{"TERN_FORCE_ISA", "scalar"}})["kernels"]["tuned"], false);
  EXPECT_EQ(generate({}, {{"TERN_NO_TUNE", "true"}})["kernels"]["tuned"], false);
  fs::create_directories(folder_.file("config/tern"));
  std::ofstream(folder_.file("config/tern/config.json")) << R"({"threads": 2})";
  EXPECT_EQ(generate({}, {{"XDG_CONFIG_HOME", folder_.file("config")}})["kernels"]["tuned"], false);
  EXPECT_EQ(generate({"-t", "0"})["kernels"]["tuned"], true) << "0 leaves it open";
}

// Another head is another shape: other bytes are read for every token.
TEST_F(TuneCommand, TheChoiceIsForModelsWithTheSameHead) {
  const Outcome outcome = tune({"--head", "q4_0"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "--head q4_0\n")) << outcome.out;
  EXPECT_EQ(generate({"--head", "q4_0"})["kernels"]["tuned"], true);
  EXPECT_EQ(generate({"--head", "keep"})["kernels"]["tuned"], false);
  EXPECT_EQ(generate()["kernels"]["tuned"], false);
  EXPECT_TRUE(contains(run({"tune", "-m", tiny_model(), "--forget"}).out, "nothing was stored"));
  EXPECT_TRUE(
      contains(run({"tune", "-m", tiny_model(), "--forget", "--head", "q4_0"}).out, "forgotten"));
}

TEST_F(TuneCommand, SettingsThatKeepTheChoiceFromBeingUsedAreNamed) {
  const std::vector<std::string> arguments = {"tune", "-m",     tiny_model(), "--budget",
                                              "0.02", "--head", "keep"};
  const Outcome outcome = run(arguments, {{"TERN_THREADS", "2"}});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(contains(outcome.err, "warning: TERN_THREADS is set")) << outcome.err;
  EXPECT_TRUE(contains(run(arguments, {{"TERN_FORCE_ISA", "scalar"}}).err, "TERN_FORCE_ISA"));
  EXPECT_EQ(run(arguments, {{"TERN_THREADS", "0"}}).err, "");
}

TEST_F(TuneCommand, AnotherMachineProgramOrModelIsNotAffected) {
  store_odd_choice();
  const std::string other = tiny_model("qwen3.gguf");
  const Outcome outcome = run({"run", "-m", other, "-n", "1", "--output", "json", "x"});
  EXPECT_EQ(Json::parse(outcome.out)["kernels"]["tuned"], false) << outcome.err;
  edit([](Json& value) { value["machine"] = value["machine"].get<std::string>() + "x"; });
  EXPECT_EQ(generate()["kernels"]["tuned"], false);
}

TEST_F(TuneCommand, DoctorShowsTheChoiceAndWhetherItIsUsed) {
  const auto tuned = [this] {
    const Outcome outcome = run({"doctor", "--no-measure", "--output", "json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return Json::parse(outcome.out, nullptr, false)["tuned"];
  };
  EXPECT_EQ(tuned(), Json::array());
  store_odd_choice();
  ASSERT_EQ(tuned().size(), 1u);
  EXPECT_EQ(tuned()[0]["threads"], 3);
  EXPECT_EQ(tuned()[0]["valid"], true);
  edit([](Json& value) { value["machine"] = "another"; });
  EXPECT_EQ(tuned()[0]["valid"], false);
}

TEST_F(TuneCommand, ADamagedCacheHarmsNothing) {
  ASSERT_EQ(tune().exit_code, 0);
  for (const std::string& text : {std::string("{\"format\""), std::string("\xFF\x00", 2)}) {
    std::ofstream(file_) << text;
    EXPECT_EQ(generate()["kernels"]["tuned"], false);
  }
  EXPECT_EQ(tune().exit_code, 0);
  EXPECT_EQ(generate()["kernels"]["tuned"], true) << "written anew";
}

TEST_F(TuneCommand, DryRunStoresNothing) {
  const Outcome outcome = tune({"--dry-run"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "* choice: "));
  EXPECT_FALSE(contains(outcome.out, "stored"));
  EXPECT_FALSE(fs::exists(file_));
  EXPECT_TRUE(Json::parse(tune({"--dry-run", "--output", "json"}).out)["stored_in"].is_null());
}

TEST_F(TuneCommand, ForgetRemovesTheChoice) {
  store_odd_choice();
  const std::vector<std::string> forget = {"tune", "-m", tiny_model(), "--forget"};
  EXPECT_EQ(run(forget).exit_code, 0);
  EXPECT_EQ(generate()["kernels"]["tuned"], false);
  const Outcome again = run(forget);
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_TRUE(contains(again.out, "nothing was stored")) << again.out;
  std::vector<std::string> json = forget;
  json.insert(json.end(), {"--output", "json"});
  EXPECT_EQ(Json::parse(run(json).out)["forgotten"], false);
}

TEST_F(TuneCommand, FiguresAreShownThoughTheyCannotBeKept) {
  std::ofstream(folder_.file("tern")) << "a file in place of the folder";
  const Outcome outcome = tune();
  EXPECT_EQ(outcome.exit_code, 3) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "* choice: "));
  EXPECT_TRUE(contains(outcome.err, "the choice is not stored")) << outcome.err;
}

TEST_F(TuneCommand, WrongUsageIsSaid) {
  for (const char* budget : {"0", "-1", "1e9", "inf", "soon"}) {
    const Outcome outcome = run({"tune", "-m", tiny_model(), "--budget", budget});
    EXPECT_EQ(outcome.exit_code, 2) << budget;
    EXPECT_TRUE(contains(outcome.err, "--budget")) << outcome.err;
  }
  EXPECT_EQ(run({"tune", "--dry-run", "--forget"}).exit_code, 2);
  EXPECT_EQ(run({"tune", "--budget", "1", "--forget"}).exit_code, 2);
  EXPECT_EQ(run({"tune", "-m", folder_.file("missing.gguf")}).exit_code, 3);
  EXPECT_EQ(run({"tune", "-m", folder_.file("missing.gguf"), "--forget"}).exit_code, 3);
  EXPECT_EQ(run({"tune", "-t", "2"}).exit_code, 2) << "threads are what it looks for";
}

TEST_F(TuneCommand, AModelIsAFileOrAKnownShape) {
  const Outcome shape = run({"tune", "--synthetic", "bitnet-9b"});
  EXPECT_EQ(shape.exit_code, 2);
  EXPECT_TRUE(contains(shape.err, "bitnet-9b")) << shape.err;
  const Outcome both = run({"tune", "-m", tiny_model(), "--synthetic", "bitnet-2b4t"});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_TRUE(contains(both.err, "--synthetic")) << both.err;
  EXPECT_EQ(run({"tune", "--synthetic-weights", "tq2_0"}).exit_code, 2);
}

TEST_F(TuneCommand, CtrlCStoresNothing) {
  Call endless = call({"tune", "-m", tiny_model(), "--budget", "3600"});
  endless.signal = SIGINT;
  endless.signal_after = 0;
  endless.signal_delay_ms = 200;
  const Outcome outcome = run_program(endless);
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_FALSE(fs::exists(file_));
}

}  // namespace
}  // namespace tern::test
