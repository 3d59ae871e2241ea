#include "base/finite.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/support/guarded_buffer.h"

namespace tern {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(AllFinite, SeesOneBadElementAnywhereInAnyNumber) {
  for (size_t n = 0; n <= 40; ++n) {
    test::GuardedBuffer<float> x(n);
    for (size_t i = 0; i < n; ++i) x[i] = i % 2 == 0 ? 3.4e38f : -1e-45f;
    EXPECT_TRUE(all_finite(x.data(), n)) << n;
    for (size_t i = 0; i < n; ++i) {
      const float good = x[i];
      for (const float bad : {kInf, -kInf, kNan, -kNan, std::bit_cast<float>(0x7f800001u)}) {
        x[i] = bad;
        EXPECT_FALSE(all_finite(x.data(), n)) << n << " " << i;
      }
      x[i] = good;
    }
  }
}

TEST(AllBelow, TakesMagnitudesBelowTheBoundAndNoOthers) {
  const float below = std::nextafter(65520.0f, 0.0f);
  for (const float good : {0.0f, -0.0f, below, -below, 1e-45f}) {
    for (size_t at : {0u, 5u, 8u}) {
      std::vector<float> x(9, 1.0f);
      x[at] = good;
      EXPECT_TRUE(all_below(x.data(), x.size(), 65520.0f)) << good;
    }
  }
  for (const float bad : {65520.0f, -65520.0f, 1e30f, kInf, -kInf, kNan}) {
    for (size_t at : {0u, 5u, 8u}) {
      std::vector<float> x(9, 1.0f);
      x[at] = bad;
      EXPECT_FALSE(all_below(x.data(), x.size(), 65520.0f)) << bad;
    }
  }
}

}  // namespace
}  // namespace tern
