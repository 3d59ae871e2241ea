#include "measure/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/model/run_model.h"

namespace tern::measure {
namespace {

class SweepOfATinyModel : public testing::Test {
 protected:
  void SetUp() override {
    model_ = test::load_model(test::tiny_path("bitnet-b1.58"));
    ASSERT_NE(model_, nullptr);
  }
  Sweep make(std::vector<RowSpec> rows, const SweepOptions& options = {}) {
    auto sweep = Sweep::create(model_, std::move(rows), options, *meter_);
    EXPECT_TRUE(sweep);
    return std::move(sweep).value();
  }

  std::shared_ptr<const Model> model_;
  std::unique_ptr<EnergyMeter> meter_ = EnergyMeter::open({.power_watts = 10.0});
};

TEST(Cross, CombinesAllAndLeavesOutRowsWithoutTokens) {
  const std::vector<int> p = {0, 8}, n = {0, 4}, d = {0, 16};
  const auto rows = cross(p, n, d);
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows.front().depth, 0);
  EXPECT_EQ(rows.back().depth, 16);
  for (const RowSpec& row : rows) EXPECT_GT(row.n_prompt + row.n_generate, 0);
  EXPECT_EQ(positions_needed(rows), 24);
}

TEST_F(SweepOfATinyModel, KeepsOneSampleForEveryRepetitionAndNoneOfTheWarmUp) {
  Sweep sweep = make({{12, 3, 0}, {0, 2, 5}, {7, 0, 5}});
  for (size_t row = 0; row < sweep.n_rows(); ++row) {
    ASSERT_TRUE(sweep.measure(row, /*warm_up=*/true));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(sweep.measure(row));
  }
  const BenchRow both = sweep.result(0, {});
  ASSERT_TRUE(both.prefill && both.decode);
  EXPECT_EQ(both.prefill->samples.size(), 3u);
  EXPECT_EQ(both.decode->rate.n, 3);
  EXPECT_GT(both.first_token_seconds, 0.0);
  EXPECT_NEAR(both.prefill->rate.median, 12 / both.first_token_seconds,
              1e-9 * both.prefill->rate.median);
  EXPECT_DOUBLE_EQ(sweep.last_decode_rate(0), both.decode->samples.back());
  EXPECT_GT(sweep.shortest_phase_seconds(0), 0.0);
  const BenchRow decode_only = sweep.result(1, {});
  EXPECT_FALSE(decode_only.prefill);
  EXPECT_EQ(decode_only.depth, 5);
  EXPECT_EQ(decode_only.first_token_seconds, 0.0);
  EXPECT_FALSE(sweep.result(2, {}).decode);
}

TEST_F(SweepOfATinyModel, RowsCanBeMeasuredInAnyOrderOfDepths) {
  Sweep sweep = make({{4, 2, 0}, {4, 2, 30}});
  for (const size_t row : {1u, 0u, 1u, 1u, 0u}) ASSERT_TRUE(sweep.measure(row));
  EXPECT_EQ(sweep.result(0, {}).prefill->samples.size(), 2u);
  EXPECT_EQ(sweep.result(1, {}).prefill->samples.size(), 3u);
}

TEST_F(SweepOfATinyModel, CountsTheBytesAndMultiplicationsOfATokenAndItsShareOfTheLimits) {
  const ModelInfo& info = model_->info();
  Sweep sweep = make({{10, 4, 6}}, {.kv = KvType::kF32, .n_batch = 4});
  ASSERT_TRUE(sweep.measure(0));
  const BenchRow row = sweep.result(0, {});
  const double kv = static_cast<double>(kv_bytes_per_position(info, KvType::kF32));
  const auto weights = static_cast<double>(info.bytes_per_token);
  // Four steps at 7, 8, 9 and 10 positions.
  EXPECT_EQ(row.decode->bytes_per_token, static_cast<uint64_t>(weights + kv * 8.5));
  // Batches of 4, 4 and 2 tokens that end at 10, 14 and 16 positions.
  EXPECT_EQ(row.prefill->bytes_per_token,
            static_cast<uint64_t>((3 * weights + kv * (10 + 14 + 16)) / 10));
  EXPECT_GT(info.ternary_macs_per_token, 0u);
  const double macs = static_cast<double>(info.ternary_macs_per_token);
  EXPECT_NEAR(row.prefill->gmacs, macs * row.prefill->rate.median / 1e9, 1e-9);
  EXPECT_NEAR(row.decode->gbps, (weights + kv * 8.5) * row.decode->rate.median / 1e9, 1e-6);
  // Nobody measured what the machine can do.
  EXPECT_EQ(row.decode->bandwidth_share, 0.0);
  EXPECT_EQ(row.decode->limit_tokens_per_s, 0.0);
}

TEST_F(SweepOfATinyModel, HoldsEveryRepetitionAgainstWhatTheMachineGaveAroundIt) {
  // A machine that gets slower: before and after the repetitions 40 and 20, 20 and 10, 10 and 6.
  std::vector<double> bandwidths = {40.0, 20.0, 20.0, 10.0, 10.0, 6.0};
  size_t next = 0;
  Sweep sweep = make({{0, 4, 0}}, {.decode_limits = [&] {
                       const double now = bandwidths.at(next++);
                       return limits::MomentaryLimits{now, 5.0 * now};
                     }});
  ASSERT_TRUE(sweep.measure(0, /*warm_up=*/true));
  EXPECT_EQ(next, 0u);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(sweep.measure(0));
  EXPECT_EQ(next, bandwidths.size());
  const BenchRow row = sweep.result(0, {});
  const Phase& decode = *row.decode;
  EXPECT_EQ(decode.read_gbps, 15.0);
  EXPECT_EQ(decode.dot_gmacs, 75.0);
  const ModelInfo& info = model_->info();
  const auto kv = static_cast<double>(kv_bytes_per_position(info, KvType::kF16));
  const double gb = (static_cast<double>(info.bytes_per_token) + kv * 2.5) / 1e9;
  std::vector<double> shares;
  for (size_t i = 0; i < 3; ++i) {
    shares.push_back(decode.samples[i] * gb / std::vector{30.0, 15.0, 8.0}[i]);
  }
  EXPECT_NEAR(decode.bandwidth_share, summarize(shares).median, 1e-9);
  const double by_bandwidth = 15.0 / gb;
  const double by_compute = 75e9 / static_cast<double>(info.ternary_macs_per_token);
  EXPECT_NEAR(decode.limit_tokens_per_s, std::min(by_bandwidth, by_compute), 1e-6 * by_bandwidth);
  EXPECT_EQ(decode.limited_by_bandwidth, by_bandwidth <= by_compute);
}

TEST_F(SweepOfATinyModel, GivesEveryPhaseItsEnergy) {
  Sweep sweep = make({{40, 4, 0}});
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(sweep.measure(0));
  EnergyFigure idle;
  idle.kind = EnergyKind::kGiven;
  idle.seconds = 1.0;
  idle.joules = 4.0;
  const BenchRow row = sweep.result(0, idle);
  for (const Phase* phase : {&*row.prefill, &*row.decode}) {
    EXPECT_EQ(phase->energy.kind, EnergyKind::kGiven);
    EXPECT_NEAR(phase->energy.watts(), 10.0, 1e-6);
    EXPECT_GT(phase->energy.seconds, 0.0);
    EXPECT_NEAR(phase->energy_above_idle.joules, 0.6 * phase->energy.joules,
                1e-6 * phase->energy.joules);
  }
}

TEST_F(SweepOfATinyModel, AnInterruptedRepetitionDoesNotCount) {
  std::atomic<bool> interrupt{false};
  Sweep sweep = make({{12, 3, 0}}, {.interrupt = &interrupt});
  ASSERT_TRUE(sweep.measure(0));
  const double joules = sweep.result(0, {}).prefill->energy.joules;
  interrupt = true;
  const auto stopped = sweep.measure(0);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kInterrupted);
  const BenchRow row = sweep.result(0, {});
  EXPECT_EQ(row.prefill->samples.size(), 1u);
  EXPECT_EQ(row.prefill->energy.joules, joules);
}

}  // namespace
}  // namespace tern::measure
