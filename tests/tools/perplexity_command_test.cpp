#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "program.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;

Json measure(std::vector<std::string> more, const std::string& text) {
  std::vector<std::string> arguments = {"perplexity", "-m",     tiny_model(), "--output",
                                        "json",       "--head", "keep"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Outcome outcome = tern(arguments, text);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return Json::parse(outcome.out, nullptr, false);
}

TEST(PerplexityCommand, JsonHoldsFigureErrorAndCounts) {
  const Json json = measure({"--ctx", "64"}, sample_text());
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["schema_version"], 1);
  const size_t n_tokens = json["text_tokens"];
  EXPECT_EQ(json["windows"], n_tokens / 64);
  EXPECT_EQ(json["tokens"], n_tokens / 64 * 31);  // positions 32 ... 62 of every window
  EXPECT_EQ(json["ctx"], 64);
  EXPECT_GT(json["ppl"], 1.0);
  EXPECT_GT(json["stderr"], 0.0);
  EXPECT_NEAR(json["ppl"].get<double>(), std::exp(json["mean_nll"].get<double>()), 1e-9);
  EXPECT_EQ(json["interrupted"], false);
}

TEST(PerplexityCommand, TheFigureDoesNotDependOnThreadsBatchOrKernels) {
  const Json expected = measure({"--ctx", "64"}, sample_text());
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"-t", "1"}, {"--batch", "7"}, {"--isa", "scalar"}}) {
    std::vector<std::string> arguments = {"--ctx", "64"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Json json = measure(arguments, sample_text());
    EXPECT_EQ(json["ppl"], expected["ppl"]) << more[0];
    EXPECT_EQ(json["stderr"], expected["stderr"]) << more[0];
  }
  EXPECT_NE(measure({"--ctx", "64", "--act", "group"}, sample_text())["ppl"], expected["ppl"]);
}

TEST(PerplexityCommand, TakesTheFirstTokensOnly) {
  const Json json = measure({"--ctx", "32", "--max-tokens", "70"}, sample_text());
  EXPECT_EQ(json["text_tokens"], 70);
  EXPECT_EQ(json["windows"], 2);
}

TEST(PerplexityCommand, TextComesFromAFileAndIsReportedInOneLine) {
  const TempDir folder;
  const std::string path = folder.file("text file.txt");
  std::ofstream(path, std::ios::binary) << sample_text();
  const Outcome outcome = tern({"perplexity", "-m", tiny_model(), "-f", path, "--ctx", "32"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("perplexity ")) << outcome.out;
  EXPECT_NE(outcome.out.find("+/-"), std::string::npos);
  const Json json = measure({"--ctx", "32", "-f", path}, "");
  EXPECT_EQ(json["ppl"], measure({"--ctx", "32"}, sample_text())["ppl"]);
}

TEST(PerplexityCommand, TheWindowIsTheTrainedContextWhereThatIsShort) {
  const Json json = measure({}, sample_text() + sample_text());
  EXPECT_EQ(json["ctx"], 256);
}

TEST(PerplexityCommand, TheDemoModelHasTheFigureOfTheReferenceProgram) {
  const std::string model = std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf";
  const std::string text = std::string(TERN_SHARED_DIR) + "/demo-model/valid.txt";
  if (!std::filesystem::exists(model)) GTEST_SKIP() << "no " << model;
  if (!std::filesystem::exists(text)) GTEST_SKIP() << "no " << text;
  std::ifstream file(std::string(TERN_TEST_DATA_DIR) + "/demo_perplexity.json");
  const Json reference = Json::parse(file, nullptr, false);
  ASSERT_TRUE(reference.is_object());
  for (const Json& run : reference["runs"]) {
    const Outcome outcome =
        tern({"perplexity", "-m", model, "-f", text, "--max-tokens",
              reference["n_tokens_used"].dump(), "--ctx", run["n_ctx"].dump(), "--kv", run["kv"],
              "--act", run["act"], "--head", "keep", "--output", "json"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const Json json = Json::parse(outcome.out);
    EXPECT_EQ(json["windows"], run["n_windows"]);
    EXPECT_EQ(json["tokens"], run["n_predictions"]);
    // The reference computes every layer in the order of the kernels; its log-softmax is NumPy's.
    EXPECT_NEAR(json["ppl"].get<double>(), run["fixed_order_perplexity"].get<double>(), 1e-9);
    EXPECT_NEAR(json["stderr"].get<double>(), run["fixed_order_standard_error"].get<double>(),
                1e-9);
  }
}

// What the choice of the head is for: another figure, and the result says which head it is of.
TEST(PerplexityCommand, TheFigureIsThatOfTheHead) {
  const Json kept = measure({"--ctx", "64"}, sample_text());
  EXPECT_EQ(kept["model"]["head"]["stored"], "F16");
  EXPECT_EQ(kept["model"]["head"]["resident"], "F16");
  const Outcome outcome =
      tern({"perplexity", "-m", tiny_model(), "--ctx", "64", "--head", "q4_0", "--output", "json"},
           sample_text());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json narrow = Json::parse(outcome.out, nullptr, false);
  EXPECT_EQ(narrow["model"]["head"]["stored"], "F16");
  EXPECT_EQ(narrow["model"]["head"]["resident"], "Q4_0");
  EXPECT_NE(narrow["ppl"], kept["ppl"]);
  EXPECT_NEAR(narrow["ppl"].get<double>() / kept["ppl"].get<double>(), 1.0, 0.1);
}

TEST(PerplexityCommand, ATextShorterThanAWindowIsAUsageError) {
  const Outcome outcome = tern({"perplexity", "-m", tiny_model(), "--ctx", "128"}, "too short");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("128"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace tern::test
