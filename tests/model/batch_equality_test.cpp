// Kernel sets, threads, batches and neighbours change nothing: logits are the same bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "tests/model/run_model.h"

namespace tern {
namespace {

struct Case {
  const char* model;
  size_t n_tokens;
};

// The first is long enough for a second block of the attention's softmax and for batches of 64.
constexpr Case kCases[] = {{"llama-rope-yarn", 300}, {"llama", 70}, {"bitnet", 20},
                           {"bitnet-b1.58", 20},     {"qwen3", 20}, {"qwen3-group128", 70},
                           {"llama-dense", 70}};

class EqualLogits : public testing::TestWithParam<Case> {
 protected:
  std::vector<float> run(const std::string& isa, int n_threads, const test::RunOptions& options) {
    const std::string name = GetParam().model;
    const auto model = test::load_model(test::tiny_path(name), test::tiny_options(name),
                                        test::engine(isa, n_threads));
    if (model == nullptr) return {};
    return test::all_logits(model, test::some_ids(GetParam().n_tokens, model->info().n_vocab),
                            options);
  }
};

TEST_P(EqualLogits, OnEveryKernelSetWithOneTwoAndThreeThreads) {
  for (const KvType kv : {KvType::kF16, KvType::kF32, KvType::kQ8}) {
    test::RunOptions options;
    options.kv = kv;
    const std::vector<float> expected = run("scalar", 1, options);
    ASSERT_FALSE(expected.empty());
    for (const std::string& isa : test::usable_isas()) {
      for (const int n_threads : {1, 2, 3}) {
        EXPECT_TRUE(test::same_bits(run(isa, n_threads, options), expected))
            << isa << ", " << n_threads << " threads";
      }
    }
  }
}

TEST_P(EqualLogits, WithAnotherEngineAndFewerThreadsForEitherPhase) {
  const std::string name = GetParam().model;
  const auto model =
      test::load_model(test::tiny_path(name), test::tiny_options(name), test::engine("scalar", 1));
  ASSERT_NE(model, nullptr);
  const auto ids = test::some_ids(GetParam().n_tokens, model->info().n_vocab);
  for (const int n_batch : {1, 7}) {
    test::RunOptions options;
    options.n_batch = n_batch;
    const std::vector<float> expected = test::all_logits(model, ids, options);
    for (const std::string& isa : test::usable_isas()) {
      for (const int n_decode : {2, 3}) {
        const auto engine = Engine::create({.n_threads = 3,
                                            .n_threads_decode = n_decode,
                                            .n_threads_batch = 5 - n_decode,
                                            .isa = isa,
                                            .log = {}});
        ASSERT_TRUE(engine);
        const auto other = model->with_engine(*engine);
        EXPECT_TRUE(test::same_bits(test::all_logits(other, ids, options), expected))
            << isa << ", " << n_decode << " threads for single tokens, batches of " << n_batch;
      }
    }
  }
}

TEST_P(EqualLogits, InBatchesOfAnySize) {
  for (const std::string& isa : test::usable_isas()) {
    test::RunOptions options;
    const std::vector<float> expected = run(isa, 2, options);
    ASSERT_FALSE(expected.empty());
    for (const int n_batch : {1, 7, 64, 512}) {
      options.n_batch = n_batch;
      EXPECT_TRUE(test::same_bits(run(isa, n_batch == 7 ? 3 : 2, options), expected))
          << isa << ", batches of " << n_batch;
    }
  }
}

// The cache's stride is the context length.
TEST_P(EqualLogits, WhateverTheContextLength) {
  test::RunOptions options;
  const std::vector<float> expected = run("", 2, options);
  options.n_ctx = static_cast<int>(GetParam().n_tokens) + 333;
  EXPECT_TRUE(test::same_bits(run("", 2, options), expected));
}

INSTANTIATE_TEST_SUITE_P(TinyModels, EqualLogits, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<Case>& row) {
                           std::string name = row.param.model;
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

TEST(KvTypes, Differ) {
  const auto model = test::load_model(test::tiny_path("llama"));
  const auto ids = test::some_ids(20, 287);
  test::RunOptions f32;
  f32.kv = KvType::kF32;
  test::RunOptions q8;
  q8.kv = KvType::kQ8;
  const std::vector<float> halves = test::all_logits(model, ids);
  const std::vector<float> floats = test::all_logits(model, ids, f32);
  const std::vector<float> codes = test::all_logits(model, ids, q8);
  EXPECT_FALSE(test::same_bits(halves, floats));
  EXPECT_FALSE(test::same_bits(halves, codes));
  // And yet they are the same model: each is nearer to f32 than the logits are to zero.
  double distance = 0.0;
  double size = 0.0;
  for (size_t i = 0; i < floats.size(); ++i) {
    distance += std::pow(static_cast<double>(codes[i]) - static_cast<double>(floats[i]), 2);
    size += std::pow(static_cast<double>(floats[i]), 2);
  }
  EXPECT_LT(distance, 0.01 * size);
}

// Eval asks for logits from the middle of a batch on; they are those of a run that wants all.
TEST(PartialLogits, EqualTheSameRowsOfAll) {
  const auto model = test::load_model(test::tiny_path("llama"));
  ASSERT_NE(model, nullptr);
  const auto ids = test::some_ids(40, 287);
  const std::vector<float> all = test::all_logits(model, ids);
  for (const size_t from : {size_t{1}, size_t{6}, size_t{7}, size_t{23}, size_t{39}, size_t{40}}) {
    SessionOptions options;
    options.n_batch = 7;
    auto session = Session::create(model, options);
    ASSERT_TRUE(session) << session.error().message;
    std::vector<float> rows(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(from * 287));
    size_t next = from;
    const auto result =
        (*session)->eval(ids, from, [&](size_t index, std::span<const float> logits) {
          EXPECT_EQ(index, next++);
          rows.insert(rows.end(), logits.begin(), logits.end());
        });
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(next, ids.size());
    EXPECT_TRUE(test::same_bits(rows, all)) << "from " << from;
  }
}

// Two sessions of one model in two threads take turns at the pool and disturb nothing.
TEST(TwoSessions, OfOneModelInTwoThreadsGiveWhatTheyGiveAlone) {
  for (const char* name : {"llama", "qwen3-group128"}) {
    const auto model = test::load_model(test::tiny_path(name));
    ASSERT_NE(model, nullptr);
    const auto first = test::some_ids(33, 287, 1);
    const auto second = test::some_ids(45, 287, 2);
    const std::vector<float> first_alone = test::all_logits(model, first);
    const std::vector<float> second_alone = test::all_logits(model, second);
    test::RunOptions ones;
    ones.n_batch = 1;
    test::RunOptions fives;
    fives.n_batch = 5;
    std::vector<float> first_beside;
    std::vector<float> second_beside;
    std::thread one([&] { first_beside = test::all_logits(model, first, ones); });
    std::thread two([&] { second_beside = test::all_logits(model, second, fives); });
    one.join();
    two.join();
    EXPECT_TRUE(test::same_bits(first_beside, first_alone));
    EXPECT_TRUE(test::same_bits(second_beside, second_alone));
  }
}

}  // namespace
}  // namespace tern
