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

// pi/2 in three parts of 24 bits and a rest: n * part is exact for |n| < 2^29, and so are the first
// two subtractions of the reduction.
constexpr double kPio2Part1 = 0x1.921fb40000000p+0;
constexpr double kPio2Part2 = 0x1.4442d00000000p-24;
constexpr double kPio2Part3 = 0x1.8469880000000p-48;
constexpr double kPio2Rest = 0x1.8cc51701b839ap-72;
constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;

// 1 / n!, 0 <= n <= 20.
struct InverseFactorials {
  double value[21] = {};
};
constexpr InverseFactorials make_inverse_factorials() {
  InverseFactorials table;
  double factorial = 1.0;  // exact up to 22!
  for (int n = 0; n <= 20; ++n) {
    if (n > 0) factorial *= n;
    table.value[n] = 1.0 / factorial;
  }
  return table;
}
constexpr InverseFactorials kInverseFactorials = make_inverse_factorials();

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
  double p = kInverseFactorials.value[14];
  for (int i = 13; i >= 0; --i) p = p * r + kInverseFactorials.value[i];
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
  double s = -kInverseFactorials.value[19];
  for (int i = 17; i >= 1; i -= 2) {
    s = s * r2 + (i % 4 == 1 ? kInverseFactorials.value[i] : -kInverseFactorials.value[i]);
  }
  s *= r;
  double c = kInverseFactorials.value[20];
  for (int i = 18; i >= 0; i -= 2) {
    c = c * r2 + (i % 4 == 0 ? kInverseFactorials.value[i] : -kInverseFactorials.value[i]);
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
