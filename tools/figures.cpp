#include "figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace tern::tools {
namespace {

constexpr int kDigitsWithUnit = 3;

struct Unit {
  double size;
  const char* name;
};

}  // namespace

std::string figure(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  if (value == 0.0) return "0";
  // The exponent after rounding: 9.9996 has four digits as 10.00.
  std::string scientific = fmt::format("{:.{}e}", value, digits - 1);
  const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  constexpr int kSmallest = -4, kLargest = 6;
  if (exponent < kSmallest || exponent > kLargest) return scientific;
  return fmt::format("{:.{}f}", value, std::max(0, digits - 1 - exponent));
}

std::string percent(double share) {
  if (!std::isfinite(share)) return "-";
  const double value = share * 100.0;
  constexpr double kOneDigit = 9.95;  // "10.0 %" would say more than "9.9 %"
  return fmt::format("{:.{}f} %", value, std::abs(value) < kOneDigit ? 1 : 0);
}

std::string byte_size(uint64_t n_bytes) {
  constexpr std::array<Unit, 6> kUnits = {
      {{1e18, "EB"}, {1e15, "PB"}, {1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}}};
  const auto value = static_cast<double>(n_bytes);
  for (const Unit& unit : kUnits) {
    if (value >= unit.size) return figure(value / unit.size, kDigitsWithUnit) + " " + unit.name;
  }
  return fmt::format("{} bytes", n_bytes);
}

std::string large_count(uint64_t n) {
  constexpr std::array<Unit, 2> kUnits = {{{1e9, "billion"}, {1e6, "million"}}};
  const auto value = static_cast<double>(n);
  for (const Unit& unit : kUnits) {
    if (value >= unit.size) return figure(value / unit.size, kDigitsWithUnit) + " " + unit.name;
  }
  return fmt::format("{}", n);
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return "-";
  if (seconds >= 1.0) return figure(seconds, kDigitsWithUnit) + " s";
  if (seconds >= 1e-3) return figure(seconds * 1e3, kDigitsWithUnit) + " ms";
  return figure(seconds * 1e6, kDigitsWithUnit) + " us";
}

}  // namespace tern::tools
