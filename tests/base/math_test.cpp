#include "base/math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace tern {
namespace {

// Largest error relative to libm's result, in units of 2^-52.
template <typename Fn, typename Reference>
double worst_ulps(Fn fn, Reference reference, double low, double high) {
  std::mt19937_64 random(20261122);
  std::uniform_real_distribution<double> uniform(low, high);
  double worst = 0.0;
  for (int i = 0; i < 200000; ++i) {
    const double x = uniform(random);
    const double expected = reference(x);
    worst = std::max(worst, std::abs(fn(x) - expected) / std::abs(expected) * 0x1p52);
  }
  return worst;
}

TEST(PortableMath, ExpAndLogAreAccurateToAFewUlps) {
  const auto exp = [](double x) { return std::exp(x); };
  const auto log = [](double x) { return std::log(x); };
  EXPECT_LT(worst_ulps(portable_exp, exp, -700.0, 700.0), 4.0);
  EXPECT_LT(worst_ulps(portable_exp, exp, -1.0, 1.0), 4.0);
  EXPECT_LT(worst_ulps(portable_log, log, 1e-300, 1e5), 4.0);
  EXPECT_LT(worst_ulps(portable_log, log, 0.5, 2.0), 4.0);
}

TEST(PortableMath, ExpAndLogHandleTheEndsOfTheRange) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(portable_exp(-inf), 0.0);
  EXPECT_EQ(portable_exp(-800.0), 0.0);
  EXPECT_EQ(portable_exp(710.0), inf);
  EXPECT_EQ(portable_exp(0.0), 1.0);
  EXPECT_EQ(portable_exp(-744.0), std::exp(-744.0));
  EXPECT_TRUE(std::isnan(portable_exp(std::nan(""))));
  EXPECT_EQ(portable_log(0.0), -inf);
  EXPECT_EQ(portable_log(1.0), 0.0);
  EXPECT_EQ(portable_log(inf), inf);
  EXPECT_TRUE(std::isnan(portable_log(-1.0)));
  EXPECT_NEAR(portable_log(5e-324), std::log(5e-324), 1e-12);
}

TEST(PortableMath, SineAndCosineAreAccurateOverTheRangeOfPositions) {
  std::mt19937_64 random(20261122);
  for (const double limit : {1.0, 100.0, 1e6, 8e8}) {
    std::uniform_real_distribution<double> uniform(-limit, limit);
    for (int i = 0; i < 50000; ++i) {
      const double x = uniform(random);
      double sine = 0.0;
      double cosine = 0.0;
      portable_sincos(x, &sine, &cosine);
      ASSERT_NEAR(sine, std::sin(x), 1e-15) << x;
      ASSERT_NEAR(cosine, std::cos(x), 1e-15) << x;
    }
  }
}

TEST(PortableMath, QuarterTurnsComeOutInTheRightQuadrant) {
  for (int quarter = -8; quarter <= 8; ++quarter) {
    double sine = 0.0;
    double cosine = 0.0;
    portable_sincos(quarter * 1.5707963267948966, &sine, &cosine);
    EXPECT_NEAR(sine, std::sin(quarter * 1.5707963267948966), 1e-15);
    EXPECT_NEAR(cosine, std::cos(quarter * 1.5707963267948966), 1e-15);
  }
}

}  // namespace
}  // namespace tern
