// Random numbers that are a function of seed and step alone: no state to carry, and the n-th token
// of a text draws the same number on every machine. The mixing function is the finalizer of
// splitmix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
#pragma once

#include <cstdint>

namespace tern {

inline uint64_t mix_bits(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/// Uniform in [0, 1), 53 bits. The seed is mixed before the step is added: otherwise seeds that
/// differ by a multiple of the increment would walk through the same numbers, shifted.
inline double uniform_at(uint64_t seed, uint64_t step) {
  constexpr uint64_t kGoldenRatio = 0x9e3779b97f4a7c15ULL;
  const uint64_t bits = mix_bits(mix_bits(seed + kGoldenRatio) + (step + 1) * kGoldenRatio);
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace tern
