// Figures over repeated measurements. Pure functions.
#pragma once

#include <cstdint>
#include <span>

namespace tern::measure {

struct Summary {
  double median = 0.0, min = 0.0, max = 0.0;
  double spread = 0.0;  // interquartile range / median
  int n = 0;
};
/// Zeros for no samples. Quartiles by linear interpolation.
Summary summarize(std::span<const double> samples);

struct Interval {
  double ratio = 1.0;
  double low = 1.0, high = 1.0;
};
/// How many times as fast a is as b, and a bootstrap confidence interval for it. Sample i of a and
/// sample i of b were measured next to each other and form a pair, so that a slow minute of the
/// machine hits both. Same seed, same interval. REQUIRES: a and b positive, of the same size >= 2.
Interval bootstrap_ratio(std::span<const double> a, std::span<const double> b,
                         double confidence = 0.95, uint64_t seed = 1);

}  // namespace tern::measure
