// The order of measuring, with made-up speeds and a clock that only samples move.
#include "tune/race.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace tern::tuning {
namespace {

class RaceTest : public testing::Test {
 protected:
  void add(TunePhase phase, int n_threads, double rate, const std::string& isa = "best") {
    TuneCandidate c;
    c.phase = phase;
    c.isa = isa;
    c.n_threads = n_threads;
    candidates_.push_back(c);
    rates_[name(c)] = {rate};
  }
  void add_decode(int n_threads, double rate) { add(TunePhase::kDecode, n_threads, rate); }

  /// Rates of the samples one after the other, then the last one for ever.
  void script(int n_threads, std::vector<double> rates) {
    TuneCandidate c;
    c.isa = "best";
    c.n_threads = n_threads;
    rates_[name(c)] = std::move(rates);
  }

  Result<void> run(const RaceOptions& options) {
    RaceHooks hooks;
    hooks.now = [this] { return clock_; };
    hooks.measure = [this](const TuneCandidate& c) -> Result<double> {
      if (order_.size() == fail_at_) return make_error(ErrorCode::kInterrupted, "interrupted");
      order_.push_back(name(c));
      clock_ += 1.0;
      const std::vector<double>& rates = rates_[name(c)];
      const size_t i = c.samples.size();
      return rates[std::min(i, rates.size() - 1)];
    };
    return race(candidates_, options, hooks);
  }

  size_t n_samples(size_t candidate) const { return candidates_[candidate].samples.size(); }

  static std::string name(const TuneCandidate& c) {
    return (c.phase == TunePhase::kDecode ? "d" : "p") + std::to_string(c.n_threads) +
           (c.isa == "best" ? "" : c.isa);
  }

  std::vector<TuneCandidate> candidates_;
  std::map<std::string, std::vector<double>> rates_;
  std::vector<std::string> order_;
  double clock_ = 100.0;
  size_t fail_at_ = static_cast<size_t>(-1);
};

constexpr RaceOptions kThreeRounds = {.budget_seconds = 0.0, .min_rounds = 3, .max_rounds = 15};

TEST_F(RaceTest, RoundsGoForthAndBack) {
  add_decode(2, 10.0);
  add_decode(1, 9.0);
  add(TunePhase::kPrefill, 2, 50.0);
  ASSERT_TRUE(run(kThreeRounds));
  EXPECT_EQ(order_,
            (std::vector<std::string>{"d2", "d1", "p2", "p2", "d1", "d2", "d2", "d1", "p2"}));
  EXPECT_EQ(candidates_[0].samples, (std::vector<double>{10.0, 10.0, 10.0}));
  EXPECT_DOUBLE_EQ(candidates_[0].median, 10.0);
  EXPECT_DOUBLE_EQ(candidates_[0].spread, 0.0);
}

TEST_F(RaceTest, ReportsMedianAndSpreadOfTheSamples) {
  add_decode(2, 10.0);
  add_decode(1, 9.0);
  script(1, {8.0, 10.0, 9.0});
  ASSERT_TRUE(run(kThreeRounds));
  EXPECT_DOUBLE_EQ(candidates_[1].median, 9.0);
  EXPECT_GT(candidates_[1].spread, 0.0);
}

TEST_F(RaceTest, GoesOnWhileTheBudgetLasts) {
  add_decode(2, 10.0);
  add_decode(1, 9.5);
  // Two seconds a round: the fifth ends at 10, a sixth would not end in time.
  ASSERT_TRUE(run({.budget_seconds = 11.5, .min_rounds = 3, .max_rounds = 15}));
  EXPECT_EQ(n_samples(0), 5u);
  EXPECT_EQ(n_samples(1), 5u);
}

TEST_F(RaceTest, EndsAfterTheMostRounds) {
  add_decode(2, 10.0);
  add_decode(1, 9.5);
  ASSERT_TRUE(run({.budget_seconds = 1e9, .min_rounds = 3, .max_rounds = 7}));
  EXPECT_EQ(n_samples(0), 7u);
}

TEST_F(RaceTest, EndsEarlyWhenEveryPhaseIsDecided) {
  add_decode(2, 10.0);
  add_decode(1, 7.0);
  add(TunePhase::kPrefill, 2, 50.0);
  ASSERT_TRUE(run({.budget_seconds = 1e9, .min_rounds = 3, .max_rounds = 15}));
  EXPECT_EQ(n_samples(0), 3u);
  EXPECT_EQ(n_samples(1), 2u) << "hopeless after two samples";
  EXPECT_EQ(n_samples(2), 3u);
}

TEST_F(RaceTest, OneGoodSampleKeepsACandidate) {
  add_decode(2, 10.0);
  add_decode(1, 9.0);
  script(1, {6.0, 9.9, 6.0, 6.0});
  ASSERT_TRUE(run({.budget_seconds = 1e9, .min_rounds = 3, .max_rounds = 6}));
  EXPECT_EQ(n_samples(1), 6u);
}

TEST_F(RaceTest, WhereFewerThreadsHaveHalvedTheSpeedStillFewerAreNotMeasured) {
  add_decode(8, 10.0);
  add_decode(4, 9.0);
  add_decode(2, 4.0);
  add_decode(1, 2.0);
  add(TunePhase::kPrefill, 8, 50.0);
  add(TunePhase::kPrefill, 1, 45.0);
  ASSERT_TRUE(run(kThreeRounds));
  EXPECT_EQ(n_samples(1), 3u);
  EXPECT_EQ(n_samples(2), 2u) << "a second sample confirms";
  EXPECT_EQ(n_samples(3), 0u);
  EXPECT_EQ(n_samples(5), 3u) << "the other phase goes on";
}

TEST_F(RaceTest, AStalledFirstSampleDoesNotEndTheSearch) {
  add_decode(8, 10.0);
  add_decode(4, 12.0);
  add_decode(2, 11.0);
  script(4, {1.0, 12.0});
  ASSERT_TRUE(run(kThreeRounds));
  EXPECT_EQ(n_samples(1), 4u);
  EXPECT_EQ(n_samples(2), 3u);
}

TEST_F(RaceTest, ACollapsedKernelSetDoesNotDropAnother) {
  add(TunePhase::kDecode, 2, 10.0);
  add(TunePhase::kDecode, 2, 3.0, "slow");
  add(TunePhase::kDecode, 1, 9.0);
  ASSERT_TRUE(run(kThreeRounds));
  EXPECT_EQ(n_samples(1), 2u);
  EXPECT_EQ(n_samples(2), 3u);
}

TEST_F(RaceTest, AnErrorEndsItAtOnce) {
  add_decode(2, 10.0);
  add_decode(1, 9.0);
  for (const size_t fail_at : {size_t{0}, size_t{1}, size_t{3}}) {
    fail_at_ = fail_at;
    order_.clear();
    const Result<void> result = run(kThreeRounds);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kInterrupted);
    EXPECT_EQ(order_.size(), fail_at);
  }
}

}  // namespace
}  // namespace tern::tuning
