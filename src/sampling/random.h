// Random numbers for sampling: the n-th token of a text draws the same number on every machine.
#pragma once

#include <cstdint>

#include "base/random_bits.h"

namespace tern {

/// Uniform in [0, 1), 53 bits.
inline double uniform_at(uint64_t seed, uint64_t step) {
  return static_cast<double>(random_bits(seed, step) >> 11) * 0x1p-53;
}

}  // namespace tern
