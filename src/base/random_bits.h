// Random bits that are a function of seed and step alone: no state to carry, and the same on every
// machine. The mixing function is the finalizer of splitmix64 (Steele, Lea, Flood: "Fast Splittable
// Pseudorandom Number Generators", 2014). Pure functions.
#pragma once

#include <cstdint>

namespace tern {

inline constexpr uint64_t kGoldenRatio = 0x9e3779b97f4a7c15ULL;

inline uint64_t mix_bits(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/// The seed is mixed before the step is added: otherwise seeds that differ by a multiple of the
/// increment would walk through the same numbers, shifted.
inline uint64_t random_bits(uint64_t seed, uint64_t step) {
  return mix_bits(mix_bits(seed + kGoldenRatio) + (step + 1) * kGoldenRatio);
}

}  // namespace tern
