// Checkpoints whose weights are quantised in use: the file computes what the NumPy reference does
// with the weights as trained (tests/data/make_checkpoints.py), to the bit.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tern/convert.h"
#include "tests/model/run_model.h"
#include "tests/support/temp_dir.h"

namespace tern::test {
namespace {

using nlohmann::json;

struct OnlineCase {
  const char* folder;
  const char* asked_family;  // of ConvertOptions
  const char* family;
  const char* architecture;
  const char* activation;
};

std::string checkpoint_path(const OnlineCase& which) {
  return std::string(TERN_TEST_DATA_DIR) + "/checkpoints/" + which.folder;
}

class OnlineCheckpoint : public testing::TestWithParam<OnlineCase> {};

TEST_P(OnlineCheckpoint, GivesTheLogitsOfTheReference) {
  const OnlineCase& which = GetParam();
  const std::string source = checkpoint_path(which);
  const TempDir folder;
  ConvertOptions options;
  options.to = "i2_s";
  options.family = which.asked_family;
  options.n_threads = 2;
  const auto receipt = convert_model(source, folder.file("a.gguf"), options);
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(receipt->family, which.family);
  EXPECT_EQ(receipt->architecture, which.architecture);

  const auto model = load_model(folder.file("a.gguf"));
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->info().ffn_activation, which.activation);
  EXPECT_EQ(model->info().act_mode, "token");
  std::ifstream file(source + "/golden.json");
  const json golden = json::parse(file);
  const auto ids = golden["prompt"].get<std::vector<TokenId>>();
  const auto positions = golden["positions"].get<std::vector<size_t>>();
  const auto n_vocab = static_cast<size_t>(model->info().n_vocab);
  ASSERT_EQ(golden["runs"].size(), 2u);
  for (const json& run : golden["runs"]) {
    SCOPED_TRACE(run["kv"].get<std::string>());
    RunOptions run_options;
    run_options.kv = run["kv"] == "f16" ? KvType::kF16 : KvType::kF32;
    const std::vector<float> logits = all_logits(model, ids, run_options);
    ASSERT_EQ(logits.size(), ids.size() * n_vocab);
    for (size_t i = 0; i < positions.size(); ++i) {
      const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(positions[i] * n_vocab);
      const std::vector<float> found(begin, begin + static_cast<std::ptrdiff_t>(n_vocab));
      EXPECT_EQ(found, run["logits_fixed_order"][i].get<std::vector<float>>());
    }
  }
}

TEST_P(OnlineCheckpoint, IsProvedAgainstItsWeights) {
  const OnlineCase& which = GetParam();
  const TempDir folder;
  ConvertOptions options;
  options.to = "i2_s";
  options.family = which.asked_family;
  ASSERT_TRUE(convert_model(checkpoint_path(which), folder.file("a.gguf"), options));
  VerifyOptions verify;
  verify.against = checkpoint_path(which);
  verify.family = which.asked_family;
  const auto report = verify_model(folder.file("a.gguf"), verify);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->mistakes.empty()) << report->mistakes.front();
  EXPECT_EQ(report->n_ternary_compared, 7u);
}

INSTANTIATE_TEST_SUITE_P(Convert, OnlineCheckpoint,
                         testing::Values(OnlineCase{"bitnet-1bitllm", "", "bitnet-1bitllm",
                                                    "bitnet", "silu"},
                                         OnlineCase{"falcon-e-prequantized", "llama-bitnet",
                                                    "llama-bitnet", "llama", "silu"},
                                         OnlineCase{"bitnet-2b4t-bf16", "", "bitnet-2b4t",
                                                    "bitnet-b1.58", "squared relu"}),
                         [](const auto& which) {
                           std::string name = which.param.folder;
                           for (char& c : name)
                             c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

// Its configuration does not say that the weights are to be rounded, so they are looked at, and
// what to do is said.
TEST(Online, ThePrequantizedRevisionOfFalconENamesTheFamilyToAskFor) {
  const TempDir folder;
  const std::string source = std::string(TERN_TEST_DATA_DIR) + "/checkpoints/falcon-e-prequantized";
  const auto receipt = convert_model(source, folder.file("a.gguf"), {});
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(receipt.error().message.find("7 of its matrices are not ternary"), std::string::npos)
      << receipt.error().message;
  EXPECT_NE(receipt.error().hint.find("--family llama-bitnet"), std::string::npos)
      << receipt.error().hint;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace tern::test
