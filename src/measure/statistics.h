// Figures over repeated measurements. Pure functions.
#pragma once

#include <cstdint>
#include <span>

namespace tern::measure {

struct Summary {
  double median = 0.0, min = 0.0, max = 0.0;
  double spread = 0.0;  // interquartile range / median; 0 where the median is 0
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
/// machine hits both. Same seed, same interval.
///
/// ratio is the geometric mean of the pairs' ratios. The interval is that of the paired percentile
/// bootstrap of the mean logarithm, stretched around it for few pairs, where percentiles alone are
/// too narrow: with 5 pairs they would hold the true ratio in 85 % of the cases instead of 95 %.
/// With normal noise of the logarithms the stretched interval holds it in 94 to 95 % for 3 pairs
/// and more, 93 % for 2 (there it is of course very wide). Pairs that all have the same ratio give
/// low = ratio = high: they show no noise.
/// REQUIRES: a and b positive and finite, of the same size >= 2; 0 < confidence < 1.
Interval bootstrap_ratio(std::span<const double> a, std::span<const double> b,
                         double confidence = 0.95, uint64_t seed = 1);

}  // namespace tern::measure
