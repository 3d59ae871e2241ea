#include "model/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace tern::model {
namespace {

// Doubles computed in another order: a few units in the last place of each step.
constexpr double kRelative = 1e-13;
constexpr double kPi = 3.14159265358979323846;

RopeConfig config_of(int dim, double base) {
  RopeConfig rope;
  rope.dim = dim;
  rope.freq_base = base;
  return rope;
}

TEST(RopeTable, FrequenciesAreNegativePowersOfTheBase) {
  for (const double base : {10000.0, 500000.0, 1000042.0, 5000000.0}) {
    for (const int dim : {2, 16, 64, 128}) {
      const RopeTable table = make_rope_table(config_of(dim, base));
      ASSERT_EQ(table.frequency.size(), static_cast<size_t>(dim / 2));
      EXPECT_EQ(table.magnitude, 1.0);
      EXPECT_EQ(table.frequency[0], 1.0);
      for (int i = 0; i < dim / 2; ++i) {
        const double expected = std::pow(base, -2.0 * i / dim);
        EXPECT_NEAR(table.frequency[static_cast<size_t>(i)], expected, kRelative * expected);
      }
    }
  }
}

TEST(RopeTable, LinearScalingDividesByTheFactor) {
  RopeConfig rope = config_of(64, 10000.0);
  const RopeTable plain = make_rope_table(rope);
  rope.scaling = RopeScaling::kLinear;
  rope.factor = 4.0;
  const RopeTable scaled = make_rope_table(rope);
  EXPECT_EQ(scaled.magnitude, 1.0);
  for (size_t i = 0; i < 32; ++i) EXPECT_EQ(scaled.frequency[i], plain.frequency[i] / 4.0);
}

TEST(RopeTable, DivisorsOfTheFileDivide) {
  RopeConfig rope = config_of(8, 10000.0);
  const RopeTable plain = make_rope_table(rope);
  rope.freq_divisors = {1.0f, 2.0f, 8.0f, 0.5f};
  const RopeTable divided = make_rope_table(rope);
  EXPECT_EQ(divided.frequency[0], plain.frequency[0]);
  EXPECT_EQ(divided.frequency[1], plain.frequency[1] / 2.0);
  EXPECT_EQ(divided.frequency[2], plain.frequency[2] / 8.0);
  EXPECT_EQ(divided.frequency[3], plain.frequency[3] / 0.5);
}

// YaRN, arXiv:2309.00071, section 3.2: pairs that turn more than beta_fast times within the
// original context keep their frequency, those that turn less than beta_slow times have it divided
// by the factor, and those between are mixed along a ramp in the index of the pair.
TEST(RopeTable, YarnMixesAlongItsRamp) {
  RopeConfig rope = config_of(128, 10000.0);
  const RopeTable plain = make_rope_table(rope);
  rope.scaling = RopeScaling::kYarn;
  rope.factor = 4.0;
  rope.original_context = 4096;
  const RopeTable yarn = make_rope_table(rope);
  EXPECT_NEAR(yarn.magnitude, 1.0 + 0.1 * std::log(4.0), kRelative);

  // Pair i turns original * frequency / (2 pi) times: solve for i where that is n.
  const auto pair_that_turns = [](double n) {
    return 128.0 * std::log(4096.0 / (n * 2.0 * kPi)) / (2.0 * std::log(10000.0));
  };
  const double low = std::floor(pair_that_turns(32.0));
  const double high = std::ceil(pair_that_turns(1.0));
  ASSERT_EQ(low, 20.0);
  ASSERT_EQ(high, 46.0);
  for (size_t i = 0; i < 64; ++i) {
    const double index = static_cast<double>(i);
    const double mix = index <= low ? 0.0 : index >= high ? 1.0 : (index - low) / (high - low);
    const double expected = plain.frequency[i] * ((1.0 - mix) + mix / 4.0);
    EXPECT_NEAR(yarn.frequency[i], expected, kRelative * expected) << i;
  }
  EXPECT_EQ(yarn.frequency[0], plain.frequency[0]);
  EXPECT_EQ(yarn.frequency[63], plain.frequency[63] / 4.0);
}

TEST(RopeTable, YarnFollowsItsKeys) {
  RopeConfig rope = config_of(64, 10000.0);
  rope.scaling = RopeScaling::kYarn;
  rope.factor = 8.0;
  rope.original_context = 2048;
  rope.attn_factor = 0.5;
  const RopeTable table = make_rope_table(rope);
  EXPECT_NEAR(table.magnitude, 0.5 * (1.0 + 0.1 * std::log(8.0)), kRelative);
  // No extrapolation: plain interpolation, and no magnitude of its own.
  rope.ext_factor = 0.0;
  const RopeTable interpolated = make_rope_table(rope);
  EXPECT_EQ(interpolated.magnitude, 0.5);
  for (size_t i = 0; i < 32; ++i) {
    const double expected = std::pow(10000.0, -2.0 * static_cast<double>(i) / 64.0) / 8.0;
    EXPECT_NEAR(interpolated.frequency[i], expected, kRelative * expected);
  }
  // A wider ramp begins earlier and ends later.
  rope.ext_factor = 1.0;
  rope.beta_fast = 128.0;
  rope.beta_slow = 0.25;
  const RopeTable wide = make_rope_table(rope);
  size_t n_mixed_narrow = 0;
  size_t n_mixed_wide = 0;
  for (size_t i = 0; i < 32; ++i) {
    const double plain = std::pow(10000.0, -2.0 * static_cast<double>(i) / 64.0);
    const auto mixed = [plain](double f) {
      return f < plain * (1 - 1e-9) && f > plain / 8.0 * (1 + 1e-9);
    };
    n_mixed_narrow += mixed(table.frequency[i]) ? 1 : 0;
    n_mixed_wide += mixed(wide.frequency[i]) ? 1 : 0;
  }
  EXPECT_GT(n_mixed_narrow, 5u);
  EXPECT_GT(n_mixed_wide, n_mixed_narrow + 3);
}

TEST(RopeAngles, AreThoseOfThePosition) {
  RopeConfig rope = config_of(64, 500000.0);
  RopeTable table = make_rope_table(rope);
  table.magnitude = 1.25;
  std::vector<float> cosines(32);
  std::vector<float> sines(32);
  for (const size_t pos : {0u, 1u, 17u, 4095u, 131071u}) {
    rope_angles(table, pos, cosines.data(), sines.data());
    for (size_t i = 0; i < 32; ++i) {
      const double angle = static_cast<double>(pos) * table.frequency[i];
      // Rounded to float once: half a unit in the last place, 2^-25 of values below 2.
      EXPECT_NEAR(cosines[i], 1.25 * std::cos(angle), 0x1p-24);
      EXPECT_NEAR(sines[i], 1.25 * std::sin(angle), 0x1p-24);
    }
  }
}

}  // namespace
}  // namespace tern::model
