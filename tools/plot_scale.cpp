#include "plot_scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tern::tools {

std::vector<double> nice_ticks(double max, int n_wanted) {
  constexpr double kSmallest = 1e-300;  // below, the power of ten would become 0
  if (max < kSmallest) max = 1.0;
  // From the power of ten below the exact step upwards.
  const double exact = max / (n_wanted - 1);
  const double power = std::pow(10.0, std::floor(std::log10(exact)));
  double step = 10.0 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= exact * (1.0 - 1e-9)) step = factor * power;
  }
  std::vector<double> ticks;
  const auto n = static_cast<int>(std::ceil(max / step - 1e-9));
  for (int i = 0; i <= n; ++i) ticks.push_back(i * step);
  return ticks;
}

std::vector<std::string> tick_labels(const std::vector<double>& ticks) {
  std::vector<std::string> labels;
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : ticks[0];
  const int exponent = static_cast<int>(std::floor(std::log10(step) + 1e-9));
  constexpr int kManyDigits = 5;
  for (const double tick : ticks) {
    if (tick == 0.0) {
      labels.emplace_back("0");
    } else if (exponent < -3 || exponent >= kManyDigits) {
      labels.push_back(fmt::format("{:.6g}", tick));
    } else {
      labels.push_back(fmt::format("{:.{}f}", tick, std::max(0, -exponent)));
    }
  }
  return labels;
}

PlotScale::PlotScale(double from, double to, double pixel_from, double pixel_to, bool logarithmic)
    : from_(logarithmic ? std::log(from) : from),
      to_(logarithmic ? std::log(to) : to),
      pixel_from_(pixel_from),
      pixel_to_(pixel_to),
      logarithmic_(logarithmic) {}

double PlotScale::operator()(double value) const {
  const double position = logarithmic_ ? std::log(value) : value;
  return pixel_from_ + (position - from_) / (to_ - from_) * (pixel_to_ - pixel_from_);
}

}  // namespace tern::tools
