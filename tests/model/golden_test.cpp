// Logits and greedy text of the tiny models against an independent program (tests/data/README.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/model/run_model.h"

namespace tern {
namespace {

using nlohmann::json;

constexpr const char* kModels[] = {
    "llama",           "bitnet",         "bitnet-25",         "bitnet-b1.58",
    "qwen3",           "qwen3-group128", "llama-rope-linear", "llama-rope-llama3",
    "llama-rope-yarn", "llama-dense",
};

json read_golden(const std::string& name) {
  std::ifstream file(std::string(TERN_TEST_DATA_DIR) + "/tiny/" + name + ".golden.json");
  return json::parse(file);
}

class Golden : public testing::TestWithParam<std::tuple<const char*, std::string>> {
 protected:
  void SetUp() override {
    golden_ = read_golden(std::get<0>(GetParam()));
    ids_ = golden_["prompt"].get<std::vector<TokenId>>();
    const std::string name = std::get<0>(GetParam());
    model_ = test::load_model(test::tiny_path(name), test::tiny_options(name),
                              test::engine(std::get<1>(GetParam()), 2));
    ASSERT_NE(model_, nullptr);
  }
  // The logits that runs have under this key, to the bit.
  void expect_logits(const std::shared_ptr<const Model>& model, const std::string& key) {
    for (const json& run : golden_["runs"]) {
      SCOPED_TRACE(run["kv"].get<std::string>());
      test::RunOptions options;
      options.kv = run["kv"] == "f16" ? KvType::kF16 : KvType::kF32;
      const std::vector<float> logits = test::all_logits(model, ids_, options);
      const auto n_vocab = static_cast<size_t>(model->info().n_vocab);
      ASSERT_EQ(logits.size(), ids_.size() * n_vocab);
      const auto positions = golden_["positions"].get<std::vector<size_t>>();
      ASSERT_EQ(positions.size(), run[key].size());
      for (size_t i = 0; i < positions.size(); ++i) {
        const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(positions[i] * n_vocab);
        const std::vector<float> found(begin, begin + static_cast<std::ptrdiff_t>(n_vocab));
        EXPECT_EQ(found, run[key][i].get<std::vector<float>>());
      }
    }
  }

  json golden_;
  std::vector<TokenId> ids_;
  std::shared_ptr<const Model> model_;
};

// The reference states how far float32 lies from float64 when its sums are taken in two orders. A
// third order stays within a small multiple; 8 is what the reference's own checks use. Rounding to
// int8 and float16 cannot differ: the weights were chosen so.
TEST_P(Golden, LogitsAreThoseOfTheReference) {
  ASSERT_EQ(golden_["runs"].size(), 2u);
  for (const json& run : golden_["runs"]) {
    SCOPED_TRACE(run["kv"].get<std::string>());
    const double tolerance = 8.0 * std::max(run["max_abs_f32_minus_f64"].get<double>(),
                                            run["max_abs_f32_sequential_minus_f64"].get<double>());
    ASSERT_GT(tolerance, 0.0);
    ASSERT_LT(tolerance, 1e-4 * run["max_abs_logit"].get<double>());
    test::RunOptions options;
    options.kv = run["kv"] == "f16" ? KvType::kF16 : KvType::kF32;
    const std::vector<float> logits = test::all_logits(model_, ids_, options);
    const auto n_vocab = static_cast<size_t>(model_->info().n_vocab);
    ASSERT_EQ(logits.size(), ids_.size() * n_vocab);
    const auto positions = golden_["positions"].get<std::vector<size_t>>();
    ASSERT_EQ(positions.size(), run["logits"].size());
    double worst = 0.0;
    for (size_t i = 0; i < positions.size(); ++i) {
      const auto expected = run["logits"][i].get<std::vector<double>>();
      ASSERT_EQ(expected.size(), n_vocab);
      for (size_t v = 0; v < n_vocab; ++v) {
        const double found = static_cast<double>(logits[positions[i] * n_vocab + v]);
        ASSERT_TRUE(std::isfinite(found));
        worst = std::max(worst, std::abs(found - expected[v]));
      }
    }
    EXPECT_LE(worst, tolerance);
  }
}

// The reference also follows tern's own order of operations (kernels/README.md): then every bit is
// the same.
TEST_P(Golden, LogitsInFixedOrderAreEqual) { expect_logits(model_, "logits_fixed_order"); }

TEST_P(Golden, LogitsOfAnIntegerHeadInFixedOrderAreEqual) {
  const std::string name = std::get<0>(GetParam());
  LoadOptions options = test::tiny_options(name);
  options.head = HeadFormat::kQ8_0;
  const auto model =
      test::load_model(test::tiny_path(name), options, test::engine(std::get<1>(GetParam()), 2));
  ASSERT_NE(model, nullptr);
  expect_logits(model, "logits_fixed_order_head_q8_0");
}

TEST_P(Golden, GreedyTextIsThatOfTheReference) {
  for (const json& run : golden_["runs"]) {
    SCOPED_TRACE(run["kv"].get<std::string>());
    SessionOptions options;
    options.kv = run["kv"] == "f16" ? KvType::kF16 : KvType::kF32;
    auto session = Session::create(model_, options);
    ASSERT_TRUE(session) << session.error().message;
    const auto prompt = (*session)->eval(ids_);
    ASSERT_TRUE(prompt) << prompt.error().message;
    const auto expected = run["greedy"].get<std::vector<TokenId>>();
    ASSERT_EQ(expected.size(), 16u);
    EXPECT_EQ(test::greedy(**session, expected.size()), expected);
  }
}

// The reference knows nothing of layouts; the tests above hold for the default one.
TEST_P(Golden, LogitsAreTheSameInEveryLayoutOfTheWeights) {
  const std::string name = std::get<0>(GetParam());
  const std::pair<WeightsLayout, const char*> layouts[] = {
      {WeightsLayout::kT2, "T2"}, {WeightsLayout::kT5, "T5"}, {WeightsLayout::kL2, "L2"}};
  for (const auto& [layout, layout_name] : layouts) {
    LoadOptions options = test::tiny_options(name);
    options.weights = layout;
    const auto model =
        test::load_model(test::tiny_path(name), options, test::engine(std::get<1>(GetParam()), 2));
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->info().weights_layout, layout_name);
    EXPECT_EQ(model->info().weights_layout_reason, "requested");
    for (const int n_batch : {1, 3, 512}) {
      test::RunOptions run;
      run.n_batch = n_batch;
      EXPECT_TRUE(
          test::same_bits(test::all_logits(model, ids_, run), test::all_logits(model_, ids_)))
          << model->info().weights_layout << ", batches of " << n_batch;
    }
  }
}

TEST_P(Golden, ActivationModeIsThatOfTheReference) {
  const auto expected = golden_["act"].get<std::string>();
  EXPECT_EQ(model_->info().act_mode, expected == "group" ? "group 128" : expected);
  EXPECT_FALSE(model_->info().act_mode_reason.empty());
}

TEST_P(Golden, PromptIsTheTextOfTheReference) {
  // The prompt of make_tiny.py, by the model's own tokenizer.
  const auto ids = model_->tokenizer().encode("The river and the red boat: 42 owls!");
  ASSERT_TRUE(ids) << ids.error().message;
  EXPECT_EQ(*ids, ids_);
}

INSTANTIATE_TEST_SUITE_P(
    AllModels, Golden,
    testing::Combine(testing::ValuesIn(kModels), testing::ValuesIn(test::usable_isas())),
    [](const testing::TestParamInfo<Golden::ParamType>& row) {
      std::string name = std::string(std::get<0>(row.param)) + "_" + std::get<1>(row.param);
      std::replace_if(
          name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
      return name;
    });

}  // namespace
}  // namespace tern
