// Rounding shared by the encoders of the dense formats. Pure functions; internal to formats/.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/half.h"

namespace tern::tensor {

/// value to the nearest integer in [low, high], ties to even; NaN gives low. Without a library call
/// or a branch, so that loops over it vectorise. REQUIRES: low and high are integers within +-2^22.
inline float nearest_clamped(float value, float low, float high) {
  const float above = value > low ? value : low;
  const float clamped = above < high ? above : high;
  // Around 1.5 * 2^23 floats are 1 apart, so that the addition rounds.
  constexpr float kUnitSpacing = 0x1.8p23f;
  return (clamped + kUnitSpacing) - kUnitSpacing;
}

/// The same as an int.
inline int round_clamped(float value, int low, int high) {
  return static_cast<int>(
      nearest_clamped(value, static_cast<float>(low), static_cast<float>(high)));
}

/// The f16 nearest to a scale, at most the largest finite one: an encoder must not store an
/// infinite scale, which would make NaN of the block's zeros.
inline uint16_t finite_f16(float scale) { return kernels::f32_to_finite_f16(scale); }

/// The smallest finite f16 of at least the magnitude of a scale. For the factor of sub-block
/// scales: weights of 0.01 give factors so small that f16 is 2 % coarse there, and one too small
/// would clip the largest scale.
inline uint16_t finite_f16_away_from_zero(float scale) {
  const uint16_t half = finite_f16(scale);
  const uint16_t magnitude = half & 0x7fffu;
  const bool below = kernels::f16_to_f32(magnitude) < std::fabs(scale);
  return below && magnitude < 0x7bffu ? static_cast<uint16_t>(half + 1) : half;
}

}  // namespace tern::tensor
