#pragma once

#include <cmath>
#include <limits>

namespace tern {

/// Large biases and penalties must not make infinities out of finite logits: +inf has no softmax,
/// and -inf means forbidden.
inline float clamp_finite(float logit) {
  constexpr float kMax = std::numeric_limits<float>::max();
  return std::isinf(logit) ? std::copysign(kMax, logit) : logit;
}

}  // namespace tern
