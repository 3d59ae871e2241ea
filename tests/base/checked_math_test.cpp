#include "base/checked_math.h"

#include <gtest/gtest.h>

namespace tern {
namespace {

TEST(CheckedMath, AddsUpToTheLargestNumber) {
  EXPECT_EQ(checked_add(2, 3), 5u);
  EXPECT_EQ(checked_add(UINT64_MAX, 0), UINT64_MAX);
  EXPECT_EQ(checked_add(UINT64_MAX, 1), std::nullopt);
  EXPECT_EQ(checked_add(uint64_t{1} << 63, uint64_t{1} << 63), std::nullopt);
}

TEST(CheckedMath, MultipliesUpToTheLargestNumber) {
  EXPECT_EQ(checked_mul(6, 7), 42u);
  EXPECT_EQ(checked_mul(UINT64_MAX, 0), 0u);
  EXPECT_EQ(checked_mul(uint64_t{1} << 32, (uint64_t{1} << 32) - 1), UINT64_MAX - 0xFFFFFFFFu);
  EXPECT_EQ(checked_mul(uint64_t{1} << 32, uint64_t{1} << 32), std::nullopt);
}

TEST(CheckedMath, AlignsUp) {
  EXPECT_EQ(checked_align_up(0, 32), 0u);
  EXPECT_EQ(checked_align_up(1, 32), 32u);
  EXPECT_EQ(checked_align_up(32, 32), 32u);
  EXPECT_EQ(checked_align_up(33, 1), 33u);
  EXPECT_EQ(checked_align_up(UINT64_MAX - 31, 32), UINT64_MAX - 31);
  EXPECT_EQ(checked_align_up(UINT64_MAX - 30, 32), std::nullopt);
}

}  // namespace
}  // namespace tern
