#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "program.h"
#include "tests/support/temp_dir.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;

/// A short run on a small file.
std::vector<std::string> bench(std::vector<std::string> more) {
  std::vector<std::string> arguments = {"bench", "-m", tiny_model(), "-r", "3"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

Json bench_json(std::vector<std::string> more) {
  more.insert(more.end(), {"--output", "json"});
  const Outcome outcome = tern(bench(std::move(more)));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  Json json = Json::parse(outcome.out, nullptr, false);
  EXPECT_TRUE(json.is_object()) << outcome.out;
  return json;
}

TEST(BenchCommand, MeasuresEveryCombinationOfTheSweep) {
  const Json json = bench_json({"-p", "8,16", "-n", "4", "-d", "0,20", "-t", "1,2"});
  ASSERT_EQ(json["rows"].size(), 8u);
  for (const Json& row : json["rows"]) {
    EXPECT_EQ(row["n_generate"], 4);
    for (const char* phase : {"prefill", "decode"}) {
      const Json& rate = row[phase]["tokens_per_second"];
      EXPECT_EQ(rate["samples"].size(), 3u);
      EXPECT_GT(rate["median"], 0.0);
      EXPECT_LE(rate["min"], rate["median"]);
      EXPECT_GE(rate["max"], rate["median"]);
      EXPECT_GT(row[phase]["bandwidth_share"], 0.0);
      EXPECT_GT(row[phase]["compute_share"], 0.0);
      EXPECT_GT(row[phase]["limit_tokens_per_second"], 0.0);
    }
    EXPECT_GT(row["time_to_first_token_seconds"], 0.0);
  }
  EXPECT_EQ(json["rows"][0]["threads"], 1);
  EXPECT_EQ(json["rows"][7]["threads"], 2);
  EXPECT_EQ(json["rows"][7]["depth"], 20);
  // More positions to read.
  EXPECT_GT(json["rows"][2]["decode"]["bytes_per_token"],
            json["rows"][0]["decode"]["bytes_per_token"]);
  EXPECT_EQ(json["limits"].size(), 2u);
  EXPECT_EQ(json["model"]["hash"].get<std::string>().rfind("sha256:", 0), 0u);
  EXPECT_EQ(json["interrupted"], false);
}

// Fewer bytes are read for a token, and the result says why.
TEST(BenchCommand, CountsTheHeadThatIsInMemory) {
  const Json kept = bench_json({"-p", "0", "-n", "2", "--head", "keep"})["model"];
  const Json narrow = bench_json({"-p", "0", "-n", "2"})["model"];
  EXPECT_EQ(kept["head"]["stored"], "F16");
  EXPECT_EQ(kept["head"]["resident"], "F16");
  EXPECT_EQ(narrow["head"]["stored"], "F16");
  EXPECT_EQ(narrow["head"]["resident"], "Q8_0");
  // 287 rows of 256: 2 bytes a weight, or 34 for 32.
  EXPECT_EQ(kept["weight_bytes_per_token"].get<int>(),
            narrow["weight_bytes_per_token"].get<int>() + 287 * (512 - 272));
}

TEST(BenchCommand, LeavesOutThePhaseThatHasNoTokens) {
  const Json json = bench_json({"-p", "0", "-n", "4"});
  ASSERT_EQ(json["rows"].size(), 1u);
  EXPECT_TRUE(json["rows"][0]["prefill"].is_null());
  EXPECT_TRUE(json["rows"][0]["time_to_first_token_seconds"].is_null());
  const Outcome nothing = tern(bench({"-p", "0", "-n", "0"}));
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_NE(nothing.err.find("nothing to measure"), std::string::npos) << nothing.err;
}

TEST(BenchCommand, EveryFormHoldsTheRows) {
  const Outcome text = tern(bench({"-p", "8", "-n", "2"}));
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("prefill 8"), std::string::npos) << text.out;
  const std::string saved = tern(bench({"-p", "8", "-n", "2", "--output", "json"})).out;
  for (const auto& [format, part] : {std::pair{"text", "decode 2"}, std::pair{"csv", "prefill"},
                                     std::pair{"md", "| "}, std::pair{"jsonl", "\"prefill\""}}) {
    const Outcome outcome = tern({"bench", "--from", "-", "--output", format}, saved);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find(part), std::string::npos) << format << "\n" << outcome.out;
  }
}

TEST(BenchCommand, EnergyIsGivenOrMissing) {
  const Json given = bench_json({"-p", "8", "-n", "2", "--power-watts", "12.5"});
  const Json& energy = given["rows"][0]["decode"]["energy"];
  EXPECT_EQ(energy["kind"], "given");
  EXPECT_NEAR(energy["watts"].get<double>(), 12.5, 1e-6);
  EXPECT_GT(energy["joules_per_token"], 0.0);

  const TempDir empty;
  Call call;
  call.arguments = bench({"-p", "8", "-n", "2", "--require-energy"});
  call.variables["TERN_SYSFS_ROOT"] = empty.path();
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 9) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  call.arguments = bench({"-p", "8", "-n", "2", "--output", "json"});
  const Json missing = Json::parse(run_program(call).out, nullptr, false);
  ASSERT_TRUE(missing.is_object());
  EXPECT_EQ(missing["rows"][0]["decode"]["energy"]["kind"], "not available");
  EXPECT_FALSE(missing["rows"][0]["decode"]["energy"]["reason"].get<std::string>().empty());
}

TEST(BenchCommand, AModelThatCannotFitIsRefusedWithThePlan) {
  const Outcome outcome =
      tern({"bench", "--synthetic", "dummy-100b", "-p", "1", "-n", "0", "-d", "1000000"});
  EXPECT_EQ(outcome.exit_code, 6) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("KV cache"), std::string::npos) << outcome.err;
}

TEST(BenchCommand, UnknownShapesAndFormatsNameThoseThereAre) {
  const Outcome shape = tern({"bench", "--synthetic", "bitnet-9b"});
  EXPECT_EQ(shape.exit_code, 2);
  EXPECT_NE(shape.err.find("bitnet-2b4t"), std::string::npos) << shape.err;
  const Outcome format =
      tern({"bench", "--synthetic", "bitnet-large", "--synthetic-weights", "int4"});
  EXPECT_EQ(format.exit_code, 2);
  EXPECT_NE(format.err.find("I2_S"), std::string::npos) << format.err;
  EXPECT_EQ(tern(bench({"--synthetic-weights", "i2_s"})).exit_code, 2);
  EXPECT_EQ(tern(bench({"-d", "0,x"})).exit_code, 2);
  EXPECT_EQ(tern(bench({"-t", "0"})).exit_code, 2);
}

TEST(BenchCommand, DrawsAPicture) {
  const TempDir folder;
  const std::string path = folder.file("bench.svg");
  const Outcome outcome = tern(bench({"-p", "8", "-n", "2", "-d", "0,16", "--plot", path}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  std::ifstream file(path);
  std::stringstream picture;
  picture << file.rdbuf();
  EXPECT_NE(picture.str().find("<svg"), std::string::npos);
  EXPECT_NE(picture.str().find("</svg>"), std::string::npos);
}

// Before minutes are spent on measuring.
TEST(BenchCommand, RefusesAPictureThatCannotBeWrittenAtOnce) {
  const TempDir folder;
  const std::string path = folder.file("none/bench.svg");
  const Outcome outcome = tern(bench({"-p", "8", "-n", "2", "--plot", path}));
  EXPECT_EQ(outcome.exit_code, 3) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find(path), std::string::npos) << outcome.err;
}

TEST(BenchCommand, MeasuresTheKernelsThatAreAskedFor) {
  const Json json = bench_json({"-p", "8", "-n", "2", "--isa", "scalar"});
  EXPECT_EQ(json["machine"]["isa"], "scalar");
  EXPECT_EQ(json["limits"][0]["isa"], "scalar");
}

TEST(BenchCommand, ShowsASavedResultInAnotherForm) {
  const TempDir folder;
  const std::string saved = folder.file("result.json");
  const Outcome measured = tern(bench({"-p", "8", "-n", "2", "--output", "json"}));
  std::ofstream(saved) << measured.out;
  Json expected = Json::parse(measured.out, nullptr, false);
  expected.erase("sandbox");  // of the process that measured, not of the result
  // As values: the kernels are listed in another order.
  EXPECT_EQ(Json::parse(tern({"bench", "--from", saved, "--output", "json"}).out, nullptr, false),
            expected);
  const Outcome picture =
      tern({"bench", "--from", "-", "--output", "csv", "--plot", folder.file("x.svg")});
  EXPECT_EQ(picture.exit_code, 4) << "an empty standard input is no result";
  const Outcome csv = tern(
      {"bench", "--from", "-", "--output", "csv", "--plot", folder.file("x.svg")}, measured.out);
  EXPECT_EQ(csv.exit_code, 0) << csv.err;
  EXPECT_NE(csv.out.find("prefill"), std::string::npos);
  EXPECT_TRUE(std::ifstream(folder.file("x.svg")).good());
  EXPECT_EQ(tern({"bench", "--from", folder.file("none.json")}).exit_code, 3);
}

TEST(BenchComparison, AlternatesWithAnotherConfigurationOfTern) {
  const std::string command = "tern bench -m " + tiny_model() + " -p 8 -n 4 -r 1";
  const Json json = bench_json({"-p", "8", "-n", "4", "--compare", command});
  const Json& comparison = json["comparison"];
  EXPECT_EQ(comparison["pairs"], 3);
  ASSERT_EQ(comparison["rows"].size(), 2u);
  for (const Json& row : comparison["rows"]) {
    EXPECT_EQ(row["a"]["samples"].size(), 3u);
    EXPECT_EQ(row["b"]["samples"].size(), 3u);
    EXPECT_LE(row["low"], row["ratio"]);
    EXPECT_GE(row["high"], row["ratio"]);
  }
}

TEST(BenchComparison, AFailingRivalIsNamedWithTheEndOfItsErrors) {
  const Outcome outcome =
      tern(bench({"-p", "8", "-n", "2", "--compare", "echo 'no such model' >&2; exit 3"}));
  EXPECT_EQ(outcome.exit_code, 9) << outcome.err;
  EXPECT_NE(outcome.err.find("no such model"), std::string::npos) << outcome.err;
  const Outcome mute = tern(bench({"-p", "8", "-n", "2", "--compare", "echo hello"}));
  EXPECT_EQ(mute.exit_code, 9) << mute.err;
  EXPECT_EQ(mute.out, "");
}

TEST(BenchComparison, TakesOneThreadCountAndNoCsv) {
  EXPECT_EQ(tern(bench({"-t", "1,2", "--compare", "true"})).exit_code, 2);
  EXPECT_EQ(tern(bench({"--output", "csv", "--compare", "true"})).exit_code, 2);
}

TEST(BenchComparison, CtrlCPrintsWhatWasMeasuredUntilThen) {
  // The rival interrupts the program that started it, which has measured its own row once by then.
  const Outcome outcome = tern(
      bench({"-p", "8", "-n", "2", "--output", "json", "--compare", "kill -INT $PPID; sleep 60"}));
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.out << outcome.err;
  EXPECT_EQ(json["interrupted"], true);
  ASSERT_EQ(json["rows"].size(), 1u);
  EXPECT_EQ(json["rows"][0]["decode"]["tokens_per_second"]["samples"].size(), 1u);
}

TEST(BenchCommand, CtrlCLeavesAWholeResultOrNone) {
  // One short row and one that does not end. A signal that comes before the first row is done
  // leaves nothing to print.
  Call call;
  call.arguments = bench({"-p", "1", "-n", "0", "-d", "0,300000", "--output", "json"});
  call.signal = SIGINT;
  call.signal_after = 0;
  call.signal_delay_ms = 8000;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  if (outcome.out.empty()) return;
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.out;
  EXPECT_EQ(json["interrupted"], true);
  EXPECT_EQ(json["rows"].size(), 1u);
}

}  // namespace
}  // namespace tern::test
