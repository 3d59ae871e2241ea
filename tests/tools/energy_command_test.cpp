// Energy in the commands that compute: what they print, and when they refuse.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "program.h"
#include "support/contains.h"
#include "support/energy_tree.h"
#include "support/fake_tree.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;

/// A machine without any counter.
const FakeTree& empty_machine() {
  static const FakeTree tree;
  return tree;
}

Outcome run_on(const FakeTree& machine, std::vector<std::string> arguments,
               std::string input = {}) {
  Call call;
  call.arguments = std::move(arguments);
  call.input = std::move(input);
  call.variables["TERN_SYSFS_ROOT"] = machine.root();
  return run_program(call);
}

/// tern run on the tiny model, greedy: four prompt tokens and so many more.
std::vector<std::string> generation(std::vector<std::string> more, int n_predict = 10) {
  std::vector<std::string> arguments = {
      "run",    "-m", tiny_model(),   "--prompt-ids", "284,72,105,33",
      "--temp", "0",  "--ignore-eos", "-n",           std::to_string(n_predict)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::vector<std::string> perplexity(std::vector<std::string> more) {
  std::vector<std::string> arguments = {"perplexity", "-m", tiny_model(), "--ctx", "64"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// A laptop on battery: a source that is there, and needs five minutes.
void make_laptop(FakeTree& machine) {
  add_battery(machine, machine.root(), "BAT0", "Discharging", 40'000'000);
}

TEST(EnergyCommand, AGivenPowerTimesTimeIsTheEnergyOfARun) {
  const Outcome outcome =
      run_on(empty_machine(), generation({"--power-watts", "12.5", "--output", "json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json energy = Json::parse(outcome.out, nullptr, false)["energy"];
  ASSERT_TRUE(energy.is_object());
  EXPECT_EQ(energy["source"], "given power");
  EXPECT_EQ(energy["kind"], "given");
  for (const char* part : {"prompt", "generation", "total"}) {
    const Json& figure = energy[part];
    EXPECT_EQ(figure["kind"], "given") << part;
    EXPECT_GT(figure["seconds"], 0.0) << part;
    EXPECT_NEAR(figure["joules"].get<double>(), 12.5 * figure["seconds"].get<double>(), 1e-9);
    EXPECT_NEAR(figure["watts"].get<double>(), 12.5, 1e-9);
    ASSERT_EQ(figure["domains"].size(), 1u) << part;
    EXPECT_EQ(figure["domains"][0]["joules"], figure["joules"]) << part;
  }
  // The first of the ten tokens comes out of the prompt; the last is not computed any more.
  EXPECT_EQ(energy["prompt"]["tokens"], 4);
  EXPECT_EQ(energy["generation"]["tokens"], 9);
  EXPECT_EQ(energy["total"]["tokens"], 13);
  EXPECT_NEAR(energy["joules_per_output_token"].get<double>(),
              energy["generation"]["joules"].get<double>() / 9.0, 1e-12);
  EXPECT_NEAR(energy["joules_per_token"].get<double>(),
              energy["total"]["joules"].get<double>() / 13.0, 1e-12);
  EXPECT_GE(
      energy["total"]["joules"].get<double>(),
      energy["prompt"]["joules"].get<double>() + energy["generation"]["joules"].get<double>());
}

TEST(EnergyCommand, TokensAreCountedAsTheyAreComputed) {
  const std::vector<std::string> given = {"--power-watts", "1", "--output", "json"};
  const auto energy_of = [&](int n_predict, std::vector<std::string> more) {
    more.insert(more.end(), given.begin(), given.end());
    const Outcome outcome = run_on(empty_machine(), generation(std::move(more), n_predict));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return Json::parse(outcome.out, nullptr, false)["energy"];
  };
  const Json prompt_only = energy_of(0, {});
  EXPECT_EQ(prompt_only["prompt"]["tokens"], 4);
  EXPECT_EQ(prompt_only["prompt"]["kind"], "given");
  EXPECT_EQ(prompt_only["generation"]["tokens"], 0);
  EXPECT_EQ(prompt_only["generation"]["kind"], "not available");
  EXPECT_EQ(prompt_only["generation"]["reason"], "nothing was measured");
  EXPECT_TRUE(prompt_only["joules_per_output_token"].is_null());
  EXPECT_TRUE(prompt_only["joules_per_token"].is_number());

  const Json shifted = energy_of(40, {"--ctx", "32", "--context-shift"});
  EXPECT_EQ(shifted["prompt"]["tokens"], 4);
  EXPECT_EQ(shifted["generation"]["tokens"], 39);
}

TEST(EnergyCommand, VerboseAndTheFlagsShowEnergyOnStderr) {
  for (const std::vector<std::string>& more : {std::vector<std::string>{"--power-watts", "5"},
                                               {"--power-watts", "5", "--verbose"},
                                               {"--power-watts", "5", "--require-energy"}}) {
    const Outcome outcome = run_on(empty_machine(), generation(more));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    for (const char* part :
         {"energy from given power", "energy of the prompt: ", "energy of the generation: ",
          "energy of both: ", " J (given), 5.00 W, ", " J per token"}) {
      EXPECT_TRUE(contains(outcome.err, part)) << part << "\n" << outcome.err;
    }
    EXPECT_FALSE(contains(outcome.out, "energy"));
  }
  const Outcome verbose = run_on(empty_machine(), generation({"--verbose"}));
  EXPECT_EQ(verbose.exit_code, 0);
  EXPECT_TRUE(contains(verbose.err, "energy: not available: no source of energy figures"))
      << verbose.err;
  EXPECT_FALSE(contains(run_on(empty_machine(), generation({})).err, "energy"));
}

TEST(EnergyCommand, ThePowerCanBePreset) {
  Call call;
  call.arguments = generation({"--output", "json"});
  call.variables["TERN_POWER_WATTS"] = "20";
  const Json json = Json::parse(run_program(call).out, nullptr, false);
  EXPECT_EQ(json["energy"]["kind"], "given");
  EXPECT_NEAR(json["energy"]["total"]["watts"].get<double>(), 20.0, 1e-9);
}

TEST(EnergyCommand, APowerThatIsNoneIsAUsageError) {
  for (const char* command : {"run", "perplexity"}) {
    const Outcome outcome = tern({command, "-m", tiny_model(), "--power-watts", "0"}, "x");
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_TRUE(contains(outcome.err, "--power-watts: \"0\" is not a number of watts above 0"))
        << outcome.err;
  }
}

TEST(EnergyCommand, WithoutASourceJsonSaysWhy) {
  const Outcome outcome = run_on(empty_machine(), generation({"--output", "json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json energy = Json::parse(outcome.out, nullptr, false)["energy"];
  EXPECT_EQ(energy["source"], "none");
  EXPECT_EQ(energy["kind"], "not available");
  EXPECT_TRUE(
      contains(energy["reason"].get<std::string>(), empty_machine().root() + "/class/powercap"));
  EXPECT_EQ(energy["total"]["kind"], "not available");
  EXPECT_FALSE(energy["total"].contains("joules"));
  EXPECT_TRUE(energy["joules_per_output_token"].is_null());
  EXPECT_TRUE(energy["joules_per_token"].is_null());
}

TEST(EnergyCommand, RequiredEnergyWithoutASourceEndsBeforeAnythingIsDone) {
  // Even before a model is looked for.
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"run", "-m", "/none.gguf", "-p", "x", "--require-energy"},
        generation({"--require-energy"}),
        {"perplexity", "-m", "/none.gguf", "--require-energy"}}) {
    const Outcome outcome = run_on(empty_machine(), arguments, "some text");
    EXPECT_EQ(outcome.exit_code, 9) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(contains(outcome.err, "error: energy cannot be measured: ")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "hint: ")) << outcome.err;
  }
}

TEST(EnergyCommand, RequiredEnergyThatDidNotComeAboutIsAnErrorBehindTheResult) {
  FakeTree machine;
  make_laptop(machine);
  const Outcome outcome = run_on(machine, generation({"--require-energy", "--output", "json"}));
  EXPECT_EQ(outcome.exit_code, 9);
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.out;
  EXPECT_EQ(json["tokens"].size(), 10u);
  EXPECT_EQ(json["energy"]["source"], "battery");
  EXPECT_EQ(json["energy"]["kind"], "measured");
  EXPECT_TRUE(
      contains(json["energy"]["total"]["reason"].get<std::string>(), "but battery needs 300 s"));
  EXPECT_TRUE(contains(outcome.err, "the energy of this run is not available: measured for "))
      << outcome.err;
  // Without the flag the same is no error.
  EXPECT_EQ(run_on(machine, generation({"--output", "json"})).exit_code, 0);
}

TEST(EnergyCommand, CtrlCStaysCtrlC) {
  FakeTree machine;
  make_laptop(machine);
  Call call;
  call.arguments = {"run", "-m",           tiny_model(),      "-p",
                    "x",   "--ignore-eos", "--context-shift", "--require-energy"};
  call.variables["TERN_SYSFS_ROOT"] = machine.root();
  call.signal = SIGINT;
  call.signal_after = 100;
  EXPECT_EQ(run_program(call).exit_code, 130);
}

TEST(EnergyCommand, ACounterIsMeasuredOverTheGeneration) {
  FakeTree machine;
  const std::string chip = machine.root() + "/class/hwmon/hwmon0";
  machine.set(chip + "/name", "macsmc_hwmon\n");
  machine.set(chip + "/power1_label", "Total System Power\n");
  machine.set(chip + "/power1_input", "10000000\n");
  Call call;
  call.arguments = {"run",      "-m",   tiny_model(), "-p", "x", "--ignore-eos", "--context-shift",
                    "--output", "jsonl"};
  call.variables["TERN_SYSFS_ROOT"] = machine.root();
  call.signal = SIGINT;
  call.signal_after = 5000;     // tokens came
  call.signal_delay_ms = 1100;  // and come for longer than a counter needs
  const Outcome outcome = run_program(call);
  ASSERT_EQ(outcome.exit_code, 130) << outcome.err;
  std::istringstream lines(outcome.out);
  Json last;
  for (std::string line; std::getline(lines, line);) last = Json::parse(line, nullptr, false);
  ASSERT_EQ(last["event"], "stop");
  const Json& energy = last["energy"];
  EXPECT_EQ(energy["source"], "hwmon");
  EXPECT_EQ(energy["kind"], "measured");
  const Json& figure = energy["generation"];
  if (figure["kind"] == "not available" &&
      contains(figure["reason"].get<std::string>(), "no sample of the power")) {
    GTEST_SKIP() << "the machine was too busy to sample: " << figure["reason"];
  }
  ASSERT_EQ(figure["kind"], "measured") << figure;
  EXPECT_GE(figure["seconds"].get<double>(), 1.0);
  // Microwatts became watts; how exactly depends on when the machine let the program read.
  EXPECT_GT(figure["watts"].get<double>(), 1.0);
  EXPECT_LT(figure["watts"].get<double>(), 100.0);
  EXPECT_EQ(figure["domains"][0]["name"], "macsmc_hwmon Total System Power");
  EXPECT_GT(energy["joules_per_output_token"].get<double>(), 0.0);
}

TEST(EnergyCommand, PerplexityHasOneFigureForTheWholeText) {
  const Outcome outcome = run_on(
      empty_machine(), perplexity({"--power-watts", "8", "--output", "json"}), sample_text());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = Json::parse(outcome.out, nullptr, false);
  const Json& energy = json["energy"];
  EXPECT_EQ(energy["source"], "given power");
  EXPECT_EQ(energy["kind"], "given");
  EXPECT_EQ(energy["tokens"], json["windows"].get<int>() * 64);
  EXPECT_NEAR(energy["joules"].get<double>(), 8.0 * energy["seconds"].get<double>(), 1e-9);
  EXPECT_NEAR(energy["joules_per_token"].get<double>(),
              energy["joules"].get<double>() / energy["tokens"].get<double>(), 1e-12);

  const Outcome text = run_on(empty_machine(), perplexity({"--power-watts", "8"}), sample_text());
  EXPECT_TRUE(contains(text.err, "energy from given power: ")) << text.err;
  EXPECT_TRUE(contains(text.err, " J (given), 8.00 W, ")) << text.err;

  FakeTree machine;
  make_laptop(machine);
  const Outcome required = run_on(machine, perplexity({"--require-energy"}), sample_text());
  EXPECT_EQ(required.exit_code, 9);
  EXPECT_TRUE(required.out.starts_with("perplexity ")) << required.out;
  EXPECT_TRUE(contains(required.err, "but battery needs 300 s")) << required.err;

  const Json without = Json::parse(
      run_on(empty_machine(), perplexity({"--output", "json"}), sample_text()).out, nullptr, false);
  EXPECT_EQ(without["energy"]["kind"], "not available");
  EXPECT_TRUE(without["energy"]["joules_per_token"].is_null());
}

}  // namespace
}  // namespace tern::test
