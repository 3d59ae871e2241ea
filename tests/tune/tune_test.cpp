// tune() on small models. Nothing here depends on which candidate is fast.
#include "tern/tune.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "measure/statistics.h"
#include "tests/model/run_model.h"
#include "tune/candidates.h"

namespace tern {
namespace {

TuneOptions quick() {
  TuneOptions options;
  options.budget_seconds = 0.02;
  return options;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST(Tune, ChoosesAmongWhatTheMachineHas) {
  const auto model = test::load_model(test::tiny_path("llama"));
  ASSERT_NE(model, nullptr);
  const auto result = tune(model, quick());
  ASSERT_TRUE(result) << result.error().message;
  const std::vector<int> counts = tuning::thread_counts(cpu_topology());
  EXPECT_TRUE(contains(tuning::kernel_sets(cpu_info()), result->choice.isa));
  for (const int n : {result->choice.n_threads_decode, result->choice.n_threads_batch}) {
    EXPECT_NE(std::find(counts.begin(), counts.end(), n), counts.end()) << n;
  }
  EXPECT_GT(result->seconds, 0.0);
  EXPECT_GE(result->n_prompt, 32);
}

TEST(Tune, ReportsEveryCandidateWithItsSamples) {
  const auto model = test::load_model(test::tiny_path("bitnet-b1.58"));
  ASSERT_NE(model, nullptr);
  TuneOptions options = quick();
  options.isas = test::usable_isas();
  options.n_threads = {1, 3, 2, 3};
  const auto result = tune(model, options);
  ASSERT_TRUE(result) << result.error().message;
  std::set<std::pair<TunePhase, int>> of_choice;
  std::set<std::string> isas;
  int n_chosen = 0;
  for (const TuneCandidate& c : result->candidates) {
    isas.insert(c.isa);
    const measure::Summary summary = measure::summarize(c.samples);
    EXPECT_EQ(c.median, summary.median);
    EXPECT_EQ(c.spread, summary.spread);
    for (const double rate : c.samples) EXPECT_GT(rate, 0.0);
    if (c.isa == result->choice.isa) {
      EXPECT_TRUE(of_choice.insert({c.phase, c.n_threads}).second) << "listed twice";
    }
    if (result->is_chosen(c)) {
      EXPECT_FALSE(c.samples.empty());
      EXPECT_EQ(result->rate(c.phase), c.median);
      EXPECT_EQ(c.n_threads, c.phase == TunePhase::kDecode ? result->choice.n_threads_decode
                                                           : result->choice.n_threads_batch);
      ++n_chosen;
    }
  }
  EXPECT_EQ(n_chosen, 2);
  EXPECT_EQ(of_choice.size(), 6u) << "three thread counts in two phases";
  EXPECT_EQ(isas.size(), test::usable_isas().size());
}

TEST(Tune, AChoiceComputesTheSameTokens) {
  const auto model = test::load_model(test::tiny_path("qwen3-group128"));
  ASSERT_NE(model, nullptr);
  TuneOptions options = quick();
  options.n_threads = {3, 2};
  const auto result = tune(model, options);
  ASSERT_TRUE(result) << result.error().message;
  const auto engine = Engine::create({.n_threads = 3,
                                      .n_threads_decode = result->choice.n_threads_decode,
                                      .n_threads_batch = result->choice.n_threads_batch,
                                      .isa = result->choice.isa,
                                      .log = {}});
  ASSERT_TRUE(engine) << engine.error().message;
  const auto ids = test::some_ids(40, model->info().n_vocab);
  EXPECT_TRUE(test::same_bits(test::all_logits(model->with_engine(*engine), ids),
                              test::all_logits(model, ids)));
}

TEST(Tune, ComparesLayoutsOfTheWeights) {
  const auto in_layout = [](WeightsLayout layout) {
    LoadOptions load = test::tiny_options("bitnet-b1.58");
    load.weights = layout;
    return test::load_model(test::tiny_path("bitnet-b1.58"), load, test::engine("scalar", 2));
  };
  const auto model = in_layout(WeightsLayout::kT2);
  ASSERT_NE(model, nullptr);
  TuneOptions options = quick();
  options.isas = {"scalar"};
  options.n_threads = {2, 1};
  options.other_layouts = {in_layout(WeightsLayout::kT5), in_layout(WeightsLayout::kL2)};
  const auto result = tune(model, options);
  ASSERT_TRUE(result) << result.error().message;
  std::set<std::string> layouts;
  for (const TuneCandidate& c : result->candidates) {
    layouts.insert(c.layout);
    if (result->is_chosen(c)) {
      EXPECT_EQ(c.layout, result->choice.layout);
    }
  }
  EXPECT_EQ(layouts, (std::set<std::string>{"T2", "T5", "L2"}));
  EXPECT_GT(result->rate(TunePhase::kDecode), 0.0);
  options.other_layouts = {in_layout(WeightsLayout::kT2)};
  const auto twice = tune(model, options);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::kUsage);
}

TEST(Tune, SaysWhatItIsDoing) {
  const auto model = test::load_model(test::tiny_path("llama"));
  ASSERT_NE(model, nullptr);
  TuneOptions options = quick();
  options.isas = {"scalar"};
  options.n_threads = {2, 1};
  std::set<std::string> said;
  options.progress = [&](double fraction, std::string_view what) {
    EXPECT_GE(fraction, 0.0);
    EXPECT_LE(fraction, 1.0);
    said.insert(std::string(what));
  };
  ASSERT_TRUE(tune(model, options));
  EXPECT_TRUE(said.contains("decode, 2 threads, scalar, T2"));
  EXPECT_TRUE(said.contains("prefill, 2 threads, scalar, T2"));
}

TEST(Tune, StopsWhenInterrupted) {
  const auto model = test::load_model(test::tiny_path("llama"));
  ASSERT_NE(model, nullptr);
  std::atomic<bool> interrupt{true};
  TuneOptions options = quick();
  options.interrupt = &interrupt;
  const auto before = tune(model, options);
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().code, ErrorCode::kInterrupted);
  interrupt = false;
  int n_samples = 0;
  options.progress = [&](double, std::string_view) { interrupt = ++n_samples == 3; };
  const auto during = tune(model, options);
  ASSERT_FALSE(during);
  EXPECT_EQ(during.error().code, ErrorCode::kInterrupted);
  EXPECT_EQ(n_samples, 3);
}

TEST(Tune, RefusesWhatCannotBeMeasured) {
  const auto model = test::load_model(test::tiny_path("llama"));
  ASSERT_NE(model, nullptr);
  const auto code_of = [&](auto change) {
    TuneOptions options = quick();
    change(options);
    const auto result = tune(model, options);
    return result ? ErrorCode::kInternal : result.error().code;
  };
  for (const double budget : {0.0, -1.0, std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(code_of([&](TuneOptions& o) { o.budget_seconds = budget; }), ErrorCode::kUsage);
  }
  EXPECT_EQ(code_of([](TuneOptions& o) { o.n_threads = {2, 0}; }), ErrorCode::kUsage);
  EXPECT_EQ(code_of([](TuneOptions& o) { o.n_threads = {100000}; }), ErrorCode::kUsage);
  EXPECT_EQ(code_of([](TuneOptions& o) { o.isas = {"avx9"}; }), ErrorCode::kUsage);
}

}  // namespace
}  // namespace tern
