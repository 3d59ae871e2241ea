// Constants of exp_f32, shared by all ISAs so that they give the same bits:
//
//   x = x > kExpMin ? x : kExpMin;  x = x < kExpMax ? x : kExpMax        (a NaN gives kExpMin here)
//   n = round half to even of x * kLog2E
//   r = (x - n * kLn2High) - n * kLn2Low                                  |r| <= 0.3466
//   p = ((((((c7 r + c6) r + c5) r + c4) r + c3) r + c2) r + 1) r + 1     every * and + rounded
//   result = p * 2^n;  0 where the argument was below kExpZero, NaN where it was NaN
//
// Relative error below 2e-7. kLn2High has 9 significant bits, so n * kLn2High is exact.
#pragma once

#include <stdint.h>

namespace tern::kernels {

inline constexpr float kExpMin = -87.0f;
inline constexpr float kExpMax = 88.0f;
inline constexpr float kExpZero = -87.0f;
inline constexpr float kLog2E = 0x1.715476p+0f;
inline constexpr float kLn2High = 0x1.63p-1f;
inline constexpr float kLn2Low = -0x1.bd0106p-13f;
inline constexpr float kExpC7 = 1.0f / 5040.0f;
inline constexpr float kExpC6 = 1.0f / 720.0f;
inline constexpr float kExpC5 = 1.0f / 120.0f;
inline constexpr float kExpC4 = 1.0f / 24.0f;
inline constexpr float kExpC3 = 1.0f / 6.0f;
inline constexpr float kExpC2 = 0.5f;

// Adding and subtracting 1.5 * 2^23 rounds |x| < 2^22 half to even in the default rounding mode.
inline constexpr float kRoundMagic = 12582912.0f;

// Activation quantisation: smallest absmax that is told from zero, and its bit pattern.
inline constexpr float kMinAbsmax = 1e-5f;
// The same for keys and values, which a norm behind attention may scale up: its 127th part is a
// normal bf16, and so is the inverse of that.
inline constexpr float kMinKvAbsmax = 1e-30f;
// Largest magnitude of the integers that stand for queries and for weights in q8.
inline constexpr float kMaxFactor = 16383.0f;

// Bit patterns of magnitudes from this one on are infinity and NaN.
inline constexpr uint32_t kInfinityBits = 0x7f800000u;

}  // namespace tern::kernels
