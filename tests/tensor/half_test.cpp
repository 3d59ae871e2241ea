#include "kernels/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace tern::kernels {
namespace {

// The value of an f16 pattern by the definition of the format, in double.
double f16_value(uint16_t half) {
  const double sign = half & 0x8000 ? -1.0 : 1.0;
  const int exponent = half >> 10 & 31;
  const int mantissa = half & 1023;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

TEST(Half, EveryF16IsDecodedByItsDefinitionAndComesBack) {
  for (uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    const uint16_t half = static_cast<uint16_t>(pattern);
    const float value = f16_to_f32(half);
    const uint16_t back = f32_to_f16(value);
    if ((half & 0x7c00) == 0x7c00 && (half & 0x3ff) != 0) {
      EXPECT_TRUE(std::isnan(value)) << pattern;
      EXPECT_TRUE((back & 0x7c00) == 0x7c00 && (back & 0x3ff) != 0) << pattern;
      EXPECT_EQ(back & 0x8000, half & 0x8000) << pattern;
      EXPECT_FALSE(f16_is_finite(half));
      continue;
    }
    EXPECT_EQ(back, half);
    EXPECT_EQ(std::signbit(value), (half & 0x8000) != 0) << pattern;
    if ((half & 0x7c00) == 0x7c00) {
      EXPECT_TRUE(std::isinf(value)) << pattern;
      EXPECT_FALSE(f16_is_finite(half));
    } else {
      EXPECT_EQ(static_cast<double>(value), f16_value(half)) << pattern;
      EXPECT_TRUE(f16_is_finite(half));
    }
  }
}

// Between two neighbours a < b: below the middle a, above it b, at it the even one.
TEST(Half, F32RoundsToTheNearestF16TiesToEven) {
  for (uint32_t pattern = 0; pattern < 0x7bff; ++pattern) {
    const uint16_t low = static_cast<uint16_t>(pattern);
    const uint16_t high = static_cast<uint16_t>(pattern + 1);
    const float middle = static_cast<float>((f16_value(low) + f16_value(high)) / 2);  // exact
    const float below = std::nextafter(middle, 0.0f);
    const float above = std::nextafter(middle, std::numeric_limits<float>::infinity());
    const uint16_t even = low % 2 == 0 ? low : high;
    ASSERT_EQ(f32_to_f16(below), low) << pattern;
    ASSERT_EQ(f32_to_f16(middle), even) << pattern;
    ASSERT_EQ(f32_to_f16(above), high) << pattern;
    ASSERT_EQ(f32_to_f16(-below), low | 0x8000) << pattern;
    ASSERT_EQ(f32_to_f16(-middle), even | 0x8000) << pattern;
    ASSERT_EQ(f32_to_f16(-above), high | 0x8000) << pattern;
  }
}

TEST(Half, F32BeyondTheRangeOfF16) {
  EXPECT_EQ(f32_to_f16(65504.0f), 0x7bff);
  EXPECT_EQ(f32_to_f16(std::nextafter(65520.0f, 0.0f)), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(65536.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(-std::numeric_limits<float>::max()), 0xfc00);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::infinity()), 0x7c00);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::denorm_min()), 0x0000);
  EXPECT_EQ(f32_to_f16(-std::numeric_limits<float>::min()), 0x8000);
  // A NaN whose payload lies only in the bits that f16 lacks must not become infinity.
  EXPECT_EQ(f32_to_f16(f32_from_bits(0x7f800001u)), 0x7e00);
  EXPECT_EQ(f32_to_f16(f32_from_bits(0xffc00000u)), 0xfe00);
}

#if defined(__aarch64__) || defined(__FLT16_MANT_DIG__)
#if defined(__aarch64__)
using CompilerHalf = __fp16;  // GCC 12 knows _Float16 in C only there
#else
using CompilerHalf = _Float16;
#endif
// The compiler's own type, where there is one: random patterns, NaN aside.
TEST(Half, AgreesWithTheCompilersFloat16) {
  std::mt19937 random(7);
  for (int i = 0; i < 2000000; ++i) {
    // Half of them within the exponents that matter for f16.
    uint32_t bits = static_cast<uint32_t>(random());
    if (i % 2 == 0) bits = (bits & 0x807fffffu) | (98 + bits % 48) << 23;
    const float value = f32_from_bits(bits);
    if (std::isnan(value)) continue;
    const CompilerHalf expected = static_cast<CompilerHalf>(value);
    uint16_t expected_bits;
    std::memcpy(&expected_bits, &expected, sizeof expected_bits);
    ASSERT_EQ(f32_to_f16(value), expected_bits) << std::hex << bits;
  }
}
#endif

TEST(Half, EveryBf16ComesBack) {
  for (uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    const uint16_t half = static_cast<uint16_t>(pattern);
    const float value = bf16_to_f32(half);
    EXPECT_EQ(f32_bits(value), pattern << 16);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(value)))) << pattern;
    } else {
      EXPECT_EQ(f32_to_bf16(value), half);
    }
  }
}

TEST(Half, F32RoundsToTheNearestBf16TiesToEven) {
  EXPECT_EQ(f32_to_bf16(f32_from_bits(0x3f807fffu)), 0x3f80);
  EXPECT_EQ(f32_to_bf16(f32_from_bits(0x3f808000u)), 0x3f80);
  EXPECT_EQ(f32_to_bf16(f32_from_bits(0x3f808001u)), 0x3f81);
  EXPECT_EQ(f32_to_bf16(f32_from_bits(0x3f817fffu)), 0x3f81);
  EXPECT_EQ(f32_to_bf16(f32_from_bits(0x3f818000u)), 0x3f82);
  EXPECT_EQ(f32_to_bf16(f32_from_bits(0xbfffc000u)), 0xc000);
  EXPECT_EQ(f32_to_bf16(f32_from_bits(0x00008000u)), 0x0000);
  EXPECT_EQ(f32_to_bf16(f32_from_bits(0x00018000u)), 0x0002);
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(f32_to_bf16(-std::numeric_limits<float>::infinity()), 0xff80);
  EXPECT_EQ(f32_to_bf16(f32_from_bits(0x7f800001u)), 0x7fc0);
  EXPECT_EQ(f32_to_bf16(f32_from_bits(0x7fffffffu)), 0x7fff);
}

}  // namespace
}  // namespace tern::kernels
