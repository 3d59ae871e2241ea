// Conversions between f32 and the two 16-bit float formats, f16 (IEEE binary16) and bf16 (the upper
// half of an f32), on bit patterns, without hardware support and independent of the rounding mode.
// Shared by the kernels and the tensor formats. Everything is static inline: a file compiled for
// one ISA must not leave a weak symbol that the linker could pick for all (kernels/README.md).
#pragma once

#include <cstdint>
#include <cstring>

namespace tern::kernels {

/// The bit pattern of a float, and back.
static inline uint32_t f32_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float f32_from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// True for f16 patterns that are neither infinite nor NaN.
static inline bool f16_is_finite(uint16_t half) { return (half & 0x7c00u) != 0x7c00u; }

/// f16 to f32, exact for every pattern; a NaN keeps its payload.
static inline float f16_to_f32(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0) {
    // Zero and subnormals count units of 2^-24; the product is exact and a normal f32 or zero.
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return f32_from_bits(sign | f32_bits(magnitude));
  }
  if (exponent == 0x1f) return f32_from_bits(sign | 0x7f800000u | (mantissa << 13));
  return f32_from_bits(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

/// f32 to the nearest f16, ties to even. Beyond 65504 + half a step: infinity; a NaN stays a
/// (quiet) NaN.
static inline uint16_t f32_to_f16(float value) {
  const uint32_t bits = f32_bits(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return static_cast<uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  }
  if (magnitude >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 2^16 and more
  const uint32_t exponent = magnitude >> 23;
  if (exponent >= 113) {
    // Normal f16. Adding just under half a step, or half a step above an odd result, rounds to
    // even; the carry may run into the exponent, up to infinity, as it should.
    const uint32_t rebased = magnitude - (112u << 23);
    return static_cast<uint16_t>(sign | ((rebased + 0xfffu + ((rebased >> 13) & 1u)) >> 13));
  }
  if (exponent < 102) return static_cast<uint16_t>(sign);  // below 2^-25, half the smallest step
  // Subnormal f16: the significand in units of 2^-24, shifted right by 14 to 24 bits.
  const uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
  const uint32_t shift = 126 - exponent;
  const uint32_t rest = significand & ((1u << shift) - 1);
  const uint32_t half_step = 1u << (shift - 1);
  uint32_t result = significand >> shift;
  if (rest > half_step || (rest == half_step && (result & 1u) != 0)) ++result;
  return static_cast<uint16_t>(sign | result);
}

/// f32 to the nearest finite f16: infinity and NaN become the largest one.
static inline uint16_t f32_to_finite_f16(float value) {
  const uint16_t half = f32_to_f16(value);
  return f16_is_finite(half) ? half : static_cast<uint16_t>((half & 0x8000u) | 0x7bffu);
}

/// bf16 to f32, exact.
static inline float bf16_to_f32(uint16_t half) {
  return f32_from_bits(static_cast<uint32_t>(half) << 16);
}

/// f32 to the nearest bf16, ties to even; a NaN stays a (quiet) NaN.
static inline uint16_t f32_to_bf16(float value) {
  const uint32_t bits = f32_bits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace tern::kernels
