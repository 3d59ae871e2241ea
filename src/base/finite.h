// Whether numbers are numbers: takes several elements a cycle, so that the intermediates of a model
// can be watched while it runs. Free functions; any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

namespace tern {

/// Whether |x[i]| < bound for all of x [n]; false where one is NaN. REQUIRES: bound > 0.
inline bool all_below(const float* x, size_t n, float bound) noexcept {
  // Compared as bit patterns, where a NaN is above infinity: an ordinary maximum may pass over it.
  constexpr int32_t kMagnitude = 0x7fffffff;
  const auto last = static_cast<int32_t>(std::bit_cast<uint32_t>(bound) - 1);
  // Four lanes are a register of every 64-bit CPU. GCC 12 makes none of a plain loop at -O2.
  using Lanes = int32_t __attribute__((vector_size(16)));
  constexpr size_t kLanes = sizeof(Lanes) / sizeof(float);
  Lanes above[2] = {};
  size_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    Lanes pair[2];
    std::memcpy(pair, x + i, sizeof(pair));
    above[0] |= (pair[0] & kMagnitude) > last;
    above[1] |= (pair[1] & kMagnitude) > last;
  }
  above[0] |= above[1];
  int32_t any = above[0][0] | above[0][1] | above[0][2] | above[0][3];
  for (; i < n; ++i) any |= (std::bit_cast<int32_t>(x[i]) & kMagnitude) > last ? 1 : 0;
  return any == 0;
}

/// Whether none of x [n] is NaN or infinite.
inline bool all_finite(const float* x, size_t n) noexcept {
  return all_below(x, n, std::numeric_limits<float>::infinity());
}

}  // namespace tern
