#include "measure/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "sampling/random.h"

namespace tern::measure {
namespace {

/// Normal random numbers that are the same everywhere: std::normal_distribution is not.
class Noise {
 public:
  explicit Noise(uint64_t seed) : seed_(seed) {}
  double uniform() { return uniform_at(seed_, step_++); }
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  uint64_t seed_;
  uint64_t step_ = 0;
};

struct Pairs {
  std::vector<double> a, b;
};

struct Experiment {
  int n_pairs = 5;
  double ratio = 1.0;
  double noise = 0.0;           // standard deviation of the logarithm of every rate
  double outlier_chance = 0.0;  // that a run takes 1.5 times as long
};

/// The machine gets slower by 30 % in the course of the experiment, and wanders.
Pairs run(const Experiment& experiment, Noise& noise) {
  Pairs pairs;
  double drift = 0.0;
  for (int i = 0; i < experiment.n_pairs; ++i) {
    drift += 0.05 * noise.normal() - 0.3 / experiment.n_pairs;
    const auto rate = [&](double base) {
      const bool outlier = noise.uniform() < experiment.outlier_chance;
      return base * std::exp(drift + experiment.noise * noise.normal()) / (outlier ? 1.5 : 1.0);
    };
    pairs.a.push_back(rate(100.0 * experiment.ratio));
    pairs.b.push_back(rate(100.0));
  }
  return pairs;
}

/// Share of 1000 experiments for which the interval is as `accepted` wants it.
template <typename Accepted>
double share(const Experiment& experiment, Accepted accepted) {
  constexpr int kRuns = 1000;
  Noise noise(17);
  int n = 0;
  for (int i = 0; i < kRuns; ++i) {
    const Pairs pairs = run(experiment, noise);
    n += accepted(bootstrap_ratio(pairs.a, pairs.b, 0.95, static_cast<uint64_t>(i))) ? 1 : 0;
  }
  return static_cast<double>(n) / kRuns;
}

TEST(Summarize, GivesOrderStatisticsOfAnyOrder) {
  const Summary summary = summarize(std::vector<double>{4.0, 1.0, 3.0, 2.0});
  EXPECT_DOUBLE_EQ(summary.median, 2.5);
  EXPECT_DOUBLE_EQ(summary.min, 1.0);
  EXPECT_DOUBLE_EQ(summary.max, 4.0);
  // Quartiles 1.75 and 3.25.
  EXPECT_DOUBLE_EQ(summary.spread, 1.5 / 2.5);
  EXPECT_EQ(summary.n, 4);
}

TEST(Summarize, OfOneOrNoSampleHasNoSpread) {
  const Summary one = summarize(std::vector<double>{7.0});
  EXPECT_DOUBLE_EQ(one.median, 7.0);
  EXPECT_DOUBLE_EQ(one.min, 7.0);
  EXPECT_DOUBLE_EQ(one.max, 7.0);
  EXPECT_DOUBLE_EQ(one.spread, 0.0);
  EXPECT_EQ(one.n, 1);
  const Summary none = summarize({});
  EXPECT_EQ(none.n, 0);
  EXPECT_DOUBLE_EQ(none.median, 0.0);
  EXPECT_DOUBLE_EQ(summarize(std::vector<double>{-1.0, 0.0, 1.0}).spread, 0.0);
}

TEST(BootstrapRatio, IsTheGeometricMeanOfThePairsRatios) {
  const std::vector<double> a = {20.0, 40.0, 80.0}, b = {10.0, 10.0, 10.0};
  const Interval interval = bootstrap_ratio(a, b);
  EXPECT_NEAR(interval.ratio, 4.0, 1e-12);
  EXPECT_LT(interval.low, interval.ratio);
  EXPECT_GT(interval.high, interval.ratio);
}

TEST(BootstrapRatio, NinetyFivePercentIntervalsHoldTheTrueRatio) {
  constexpr double kRatio = 1.3;
  for (const int n_pairs : {5, 7, 10}) {
    for (const double noise : {0.01, 0.05, 0.2}) {
      const double coverage = share({.n_pairs = n_pairs, .ratio = kRatio, .noise = noise},
                                    [&](const Interval& interval) {
                                      return interval.low <= kRatio && kRatio <= interval.high;
                                    });
      EXPECT_GE(coverage, 0.92) << n_pairs << " pairs, noise " << noise;
      // An interval that always held it would be too wide to be of use.
      EXPECT_LE(coverage, 0.98) << n_pairs << " pairs, noise " << noise;
    }
  }
}

TEST(BootstrapRatio, HoldsTheTrueRatioWhenSomeRunsAreDisturbed) {
  for (const int n_pairs : {5, 7, 10}) {
    const double coverage =
        share({.n_pairs = n_pairs, .noise = 0.02, .outlier_chance = 0.1},
              [](const Interval& interval) { return interval.low <= 1.0 && 1.0 <= interval.high; });
    EXPECT_GE(coverage, 0.92) << n_pairs;
  }
}

TEST(BootstrapRatio, ShowsADifferenceThatIsLargeAgainstTheNoise) {
  const auto excludes_one = [](const Interval& interval) {
    return interval.low > 1.0 || interval.high < 1.0;
  };
  EXPECT_GE(share({.n_pairs = 5, .ratio = 1.3, .noise = 0.03}, excludes_one), 0.99);
  EXPECT_GE(share({.n_pairs = 5, .ratio = 0.9, .noise = 0.01}, excludes_one), 0.99);
  EXPECT_GE(share({.n_pairs = 10, .ratio = 1.05, .noise = 0.02}, excludes_one), 0.95);
}

TEST(BootstrapRatio, MorePairsAndLessConfidenceMakeTheIntervalNarrower) {
  Noise noise(3);
  const Pairs pairs = run({.n_pairs = 40, .noise = 0.05}, noise);
  const auto width = [&](size_t n, double confidence) {
    const Interval interval =
        bootstrap_ratio(std::span(pairs.a).first(n), std::span(pairs.b).first(n), confidence);
    return std::log(interval.high / interval.low);
  };
  EXPECT_LT(width(40, 0.95), width(10, 0.95));
  EXPECT_LT(width(10, 0.95), width(3, 0.95));
  EXPECT_LT(width(3, 0.95), width(2, 0.95));
  EXPECT_LT(width(10, 0.8), width(10, 0.95));
  EXPECT_LT(width(10, 0.95), width(10, 0.99));
}

TEST(BootstrapRatio, OfManyPairsIsTheNormalInterval) {
  Noise noise(4);
  const Pairs pairs = run({.n_pairs = 400, .noise = 0.05}, noise);
  const Interval interval = bootstrap_ratio(pairs.a, pairs.b);
  // Both sides have 0.05, so the mean of 400 differences has 0.05 sqrt(2 / 400); 1.96 of those.
  const double expected = 1.96 * 0.05 * std::sqrt(2.0 / 400.0);
  EXPECT_NEAR(std::log(interval.high / interval.ratio), expected, 0.1 * expected);
  EXPECT_NEAR(std::log(interval.ratio / interval.low), expected, 0.1 * expected);
}

TEST(BootstrapRatio, SameSeedSameIntervalAndEverySeedNearIt) {
  Noise noise(5);
  const Pairs pairs = run({.n_pairs = 7, .noise = 0.1}, noise);
  const Interval first = bootstrap_ratio(pairs.a, pairs.b, 0.95, 42);
  const Interval again = bootstrap_ratio(pairs.a, pairs.b, 0.95, 42);
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
  const Interval other = bootstrap_ratio(pairs.a, pairs.b, 0.95, 43);
  EXPECT_NE(first.low, other.low);
  EXPECT_EQ(first.ratio, other.ratio);
  const double width = first.high - first.low;
  EXPECT_NEAR(first.low, other.low, 0.05 * width);
  EXPECT_NEAR(first.high, other.high, 0.05 * width);
}

TEST(BootstrapRatio, ExchangingTheSidesInvertsIt) {
  Noise noise(6);
  const Pairs pairs = run({.n_pairs = 6, .ratio = 1.7, .noise = 0.1}, noise);
  const Interval forward = bootstrap_ratio(pairs.a, pairs.b);
  const Interval backward = bootstrap_ratio(pairs.b, pairs.a);
  EXPECT_NEAR(forward.ratio * backward.ratio, 1.0, 1e-12);
  EXPECT_NEAR(forward.low * backward.high, 1.0, 1e-9);
  EXPECT_NEAR(forward.high * backward.low, 1.0, 1e-9);
}

TEST(BootstrapRatio, CollapsesWhenAllPairsAgree) {
  const std::vector<double> a = {30.0, 33.0, 36.3, 60.6}, b = {10.0, 11.0, 12.1, 20.2};
  const Interval interval = bootstrap_ratio(a, b);
  EXPECT_NEAR(interval.ratio, 3.0, 1e-12);
  EXPECT_EQ(interval.low, interval.ratio);
  EXPECT_EQ(interval.high, interval.ratio);
}

TEST(BootstrapRatio, TiesAmongThePairsAreOrdinary) {
  const std::vector<double> a = {10.0, 10.0, 10.0, 10.0, 11.0}, b(5, 10.0);
  const Interval interval = bootstrap_ratio(a, b);
  EXPECT_LT(interval.low, 1.0);
  EXPECT_GT(interval.high, interval.ratio);
  EXPECT_LT(interval.high, 1.2);
}

TEST(BootstrapRatio, ExtremeRatesStayFinite) {
  const std::vector<double> a = {1e300, 2e300, 1e300}, b = {1e-300, 1e-300, 1e-300};
  const Interval interval = bootstrap_ratio({a}, {b});
  EXPECT_GT(interval.low, 0.0);
  EXPECT_FALSE(std::isnan(interval.ratio));
  EXPECT_FALSE(std::isnan(interval.high));
}

TEST(BootstrapRatioDeath, RefusesWhatIsNoPairedMeasurement) {
  const std::vector<double> two = {1.0, 2.0}, three = {1.0, 2.0, 3.0}, one = {1.0};
  const std::vector<double> zero = {1.0, 0.0};
  EXPECT_DEATH(bootstrap_ratio(two, three), "check failed");
  EXPECT_DEATH(bootstrap_ratio(one, one), "check failed");
  EXPECT_DEATH(bootstrap_ratio(two, zero), "check failed");
  EXPECT_DEATH(bootstrap_ratio(two, two, 1.0), "check failed");
}

}  // namespace
}  // namespace tern::measure
