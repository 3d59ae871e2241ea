#include "measure/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "base/check.h"
#include "sampling/random.h"

namespace tern::measure {
namespace {

/// Linear interpolation between order statistics. REQUIRES: sorted, not empty; p in [0, 1].
double quantile(std::span<const double> sorted, double p) {
  const double position = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  if (below + 1 >= sorted.size()) return sorted.back();
  return sorted[below] + (position - std::floor(position)) * (sorted[below + 1] - sorted[below]);
}

/// P(|T| <= t) of Student's distribution with n degrees of freedom, by the finite series of
/// Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4.
double student_within(double t, size_t n) {
  const double angle = std::atan(t / std::sqrt(static_cast<double>(n)));
  const double cos2 = std::cos(angle) * std::cos(angle);
  const bool odd = n % 2 == 1;
  double term = odd ? std::cos(angle) : 1.0;
  double sum = n == 1 ? 0.0 : term;
  for (size_t k = odd ? 3 : 2; k + 2 <= n; k += 2) {
    term *= cos2 * static_cast<double>(k - 1) / static_cast<double>(k);
    sum += term;
  }
  const double series = std::sin(angle) * sum;
  return odd ? 2.0 / std::numbers::pi * (angle + series) : series;
}

/// The t for which within(t) = confidence; within grows from 0 to 1.
template <typename Within>
double solve(double confidence, Within within) {
  double low = 0.0, high = 1.0;
  while (within(high) < confidence && high < std::numeric_limits<double>::max() / 4) high *= 2.0;
  // As many halvings as a double has bits: beyond them nothing changes.
  for (int i = 0; i < 64; ++i) {
    const double middle = 0.5 * (low + high);
    (within(middle) < confidence ? low : high) = middle;
  }
  return high;
}

/// How far the percentiles of a bootstrap of the mean must be moved away from it. A resample of n
/// values varies too little by (n - 1) / n, and the normal distribution stands in for Student's:
/// Hesterberg, "What Teachers Should Know about the Bootstrap" (2014), section 5.3, widens the
/// percentiles' probabilities for both reasons. With 5 values that runs into the smallest and the
/// largest value; moving the ends by the same factor does not.
double small_sample_stretch(size_t n, double confidence) {
  const double student = solve(confidence, [n](double t) { return student_within(t, n - 1); });
  const double normal =
      solve(confidence, [](double t) { return std::erf(t / std::numbers::sqrt2); });
  return student / normal * std::sqrt(static_cast<double>(n) / static_cast<double>(n - 1));
}

/// Sorted means of resamples drawn with replacement.
std::vector<double> bootstrap_means(const std::vector<double>& values, uint64_t seed) {
  // The 2.5 % point is then the 100th mean: known well enough beside what few pairs can tell.
  constexpr size_t kResamples = 4000;
  std::vector<double> means(kResamples);
  const auto n = static_cast<double>(values.size());
  uint64_t step = 0;
  for (double& mean : means) {
    double sum = 0.0;
    for (size_t i = 0; i < values.size(); ++i) {
      sum += values[static_cast<size_t>(uniform_at(seed, step++) * n)];
    }
    mean = sum / n;
  }
  std::sort(means.begin(), means.end());
  return means;
}

}  // namespace

Summary summarize(std::span<const double> samples) {
  if (samples.empty()) return {};
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  Summary summary{.median = quantile(sorted, 0.5),
                  .min = sorted.front(),
                  .max = sorted.back(),
                  .n = static_cast<int>(sorted.size())};
  const double range = quantile(sorted, 0.75) - quantile(sorted, 0.25);
  if (summary.median != 0.0) summary.spread = range / summary.median;
  return summary;
}

Interval bootstrap_ratio(std::span<const double> a, std::span<const double> b, double confidence,
                         uint64_t seed) {
  TERN_CHECK(a.size() == b.size() && a.size() >= 2);
  TERN_CHECK(confidence > 0.0 && confidence < 1.0);
  std::vector<double> logs(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    TERN_CHECK(a[i] > 0.0 && std::isfinite(a[i]) && b[i] > 0.0 && std::isfinite(b[i]));
    logs[i] = std::log(a[i]) - std::log(b[i]);
  }
  const auto [least, most] = std::minmax_element(logs.begin(), logs.end());
  const double mean =
      std::accumulate(logs.begin(), logs.end(), 0.0) / static_cast<double>(logs.size());
  const double ratio = std::exp(mean);
  // Differences of a few units in the last place come from the logarithms, not from the machine.
  if (*most - *least <= 1e-14) return {ratio, ratio, ratio};

  const std::vector<double> means = bootstrap_means(logs, seed);
  const double stretch = small_sample_stretch(logs.size(), confidence);
  const double tail = 0.5 * (1.0 - confidence);
  const double below = std::min(0.0, stretch * (quantile(means, tail) - mean));
  const double above = std::max(0.0, stretch * (quantile(means, 1.0 - tail) - mean));
  return {ratio, std::exp(mean + below), std::exp(mean + above)};
}

}  // namespace tern::measure
