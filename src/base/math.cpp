#include "base/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tern {
namespace {

// ln 2 in two parts: the high one has trailing zero bits, so n * kLn2High is exact for |n| < 2^11.
constexpr double kLn2High = 0x1.62e42fee00000p-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kLog2E = 0x1.71547652b82fep+0;

// pi/2 in three parts of 33 bits and a rest (n * part is exact for |n| < 2^20).
constexpr double kPio2Part1 = 0x1.921fb54400000p+0;
constexpr double kPio2Part2 = 0x1.0b4611a600000p-34;
constexpr double kPio2Part3 = 0x1.3198a2e000000p-69;
constexpr double kPio2Rest = 0x1.b839a252049c1p-104;
constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;

double scale_by_power_of_two(double x, int n) {
  // Two steps, so that results in the subnormal range are reached.
  const int half = n / 2;
  const auto power = [](int e) {
    return std::bit_cast<double>(static_cast<uint64_t>(e + 1023) << 52);
  };
  return x * power(half) * power(n - half);
}

}  // namespace

double portable_exp(double x) {
  if (std::isnan(x)) return x;
  if (x > 709.782712893384) return std::numeric_limits<double>::infinity();
  if (x < -745.2) return 0.0;
  const double n = std::nearbyint(x * kLog2E);
  const double r = (x - n * kLn2High) - n * kLn2Low;  // |r| <= 0.347
  // Taylor series; the term after the last is below 2^-56 of the sum.
  double p = 1.0;
  for (int i = 14; i >= 1; --i) p = 1.0 + p * (r / static_cast<double>(i));
  return scale_by_power_of_two(p, static_cast<int>(n));
}

double portable_log(double x) {
  if (std::isnan(x) || x < 0.0) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0.0) return -std::numeric_limits<double>::infinity();
  if (std::isinf(x)) return x;
  int exponent = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    exponent = -54;
  }
  uint64_t bits = std::bit_cast<uint64_t>(x);
  exponent += static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL;
  double m = std::bit_cast<double>(bits);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  // log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716.
  const double s = (m - 1.0) / (m + 1.0);
  const double s2 = s * s;
  double p = 0.0;
  for (int i = 23; i >= 3; i -= 2) p = (p + 1.0 / static_cast<double>(i)) * s2;
  const double e = static_cast<double>(exponent);
  return e * kLn2High + (e * kLn2Low + 2.0 * s * p + 2.0 * s);
}

void portable_sincos(double x, double* sin_x, double* cos_x) {
  const double n = std::nearbyint(x * kTwoOverPi);
  const double r = (((x - n * kPio2Part1) - n * kPio2Part2) - n * kPio2Part3) - n * kPio2Rest;
  const double r2 = r * r;  // |r| <= pi/4
  double s = 1.0;
  for (int i = 19; i >= 3; i -= 2) {
    s = 1.0 - s * (r2 / (static_cast<double>(i) * static_cast<double>(i - 1)));
  }
  s *= r;
  double c = 1.0;
  for (int i = 20; i >= 2; i -= 2) {
    c = 1.0 - c * (r2 / (static_cast<double>(i) * static_cast<double>(i - 1)));
  }
  switch (static_cast<int64_t>(n) & 3) {
    case 0:
      *sin_x = s;
      *cos_x = c;
      break;
    case 1:
      *sin_x = c;
      *cos_x = -s;
      break;
    case 2:
      *sin_x = -s;
      *cos_x = -c;
      break;
    default:
      *sin_x = -c;
      *cos_x = s;
      break;
  }
}

}  // namespace tern
