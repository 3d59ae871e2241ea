#include "model/rope.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "base/result.h"

namespace tern::model {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Real models turn by at most 1 per position and scale by less than 2. At 2^28 positions an angle
// of this frequency still has 15 bits behind the point.
constexpr double kMaxFrequency = 1024.0;
constexpr double kMaxMagnitude = 1024.0;

// Index of the dimension that makes n_rotations turns within the original context.
double correction_dim(const RopeConfig& rope, double n_rotations) {
  return rope.dim * portable_log(rope.original_context / (n_rotations * 2.0 * kPi)) /
         (2.0 * portable_log(rope.freq_base));
}

}  // namespace

RopeTable make_rope_table(const RopeConfig& rope) {
  const auto n_pairs = static_cast<size_t>(rope.dim / 2);
  RopeTable table;
  table.frequency.resize(n_pairs);
  const double log_base = portable_log(rope.freq_base);
  for (size_t i = 0; i < n_pairs; ++i) {
    table.frequency[i] = portable_exp(-2.0 * static_cast<double>(i) / rope.dim * log_base);
    if (!rope.freq_divisors.empty()) table.frequency[i] /= rope.freq_divisors[i];
  }
  if (rope.scaling == RopeScaling::kLinear) {
    for (double& f : table.frequency) f /= rope.factor;
  } else if (rope.scaling == RopeScaling::kYarn) {
    table.magnitude = rope.attn_factor;
    double low = 0.0;
    double high = 0.0;
    if (rope.ext_factor != 0.0) {
      low = std::max(0.0, std::floor(correction_dim(rope, rope.beta_fast)));
      high = std::min(rope.dim - 1.0, std::ceil(correction_dim(rope, rope.beta_slow)));
      table.magnitude *= 1.0 + 0.1 * portable_log(rope.factor);
    }
    for (size_t i = 0; i < n_pairs; ++i) {
      const double extrapolated = table.frequency[i];
      const double interpolated = extrapolated / rope.factor;
      const double position = (static_cast<double>(i) - low) / std::max(0.001, high - low);
      const double ramp = (1.0 - std::clamp(position, 0.0, 1.0)) * rope.ext_factor;
      table.frequency[i] = interpolated * (1.0 - ramp) + extrapolated * ramp;
    }
  }
  return table;
}

Result<void> check_rope_table(const RopeTable& table) {
  for (size_t i = 0; i < table.frequency.size(); ++i) {
    // Written so that NaN fails.
    if (!(table.frequency[i] >= 0.0 && table.frequency[i] <= kMaxFrequency)) {
      return make_error(ErrorCode::kCorrupt,
                        "the rotation of pair {} is {} per position; it must be between 0 and {}",
                        i, table.frequency[i], kMaxFrequency);
    }
  }
  if (!(table.magnitude > 0.0 && table.magnitude <= kMaxMagnitude)) {
    return make_error(ErrorCode::kCorrupt,
                      "the factor of the rotations is {}; it must be positive and at most {}",
                      table.magnitude, kMaxMagnitude);
  }
  return {};
}

void rope_angles(const RopeTable& table, size_t pos, float* cos_out, float* sin_out) {
  for (size_t i = 0; i < table.frequency.size(); ++i) {
    double sine = 0.0;
    double cosine = 0.0;
    portable_sincos(static_cast<double>(pos) * table.frequency[i], &sine, &cosine);
    cos_out[i] = static_cast<float>(cosine * table.magnitude);
    sin_out[i] = static_cast<float>(sine * table.magnitude);
  }
}

}  // namespace tern::model
