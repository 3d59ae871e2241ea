// 16 float lanes as four 128-bit registers, and the operations that the loops of kernels/vector_*.h
// are written with (their meaning is stated there). Private to this folder: everything is in an
// unnamed namespace.
#pragma once

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/exp_constants.h"

namespace tern::kernels::neon {
namespace {

struct V16 {
  float32x4_t part[4];
};

template <typename Fn>
inline V16 each(Fn fn) {
  return {{fn(0), fn(1), fn(2), fn(3)}};
}

inline V16 v_load(const float* p) {
  return each([&](int i) { return vld1q_f32(p + 4 * i); });
}
inline void v_store(float* p, V16 v) {
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, v.part[i]);
}
inline V16 v_load_f16(const uint16_t* p) {
  return each([&](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))); });
}
inline V16 v_load_bf16(const uint16_t* p) {
  return each([&](int i) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p + 4 * i), 16)); });
}
inline V16 v_load_i8(const int8_t* p) {
  const int8x16_t codes = vld1q_s8(p);
  const int16x8_t low = vmovl_s8(vget_low_s8(codes));
  const int16x8_t high = vmovl_s8(vget_high_s8(codes));
  return {{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))),
           vcvtq_f32_s32(vmovl_s16(vget_high_s16(low))),
           vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
           vcvtq_f32_s32(vmovl_s16(vget_high_s16(high)))}};
}
inline V16 v_load_twice(const float* p) {
  const float32x4_t low = vld1q_f32(p);
  const float32x4_t high = vld1q_f32(p + 4);
  return {
      {vzip1q_f32(low, low), vzip2q_f32(low, low), vzip1q_f32(high, high), vzip2q_f32(high, high)}};
}
inline V16 v_swap_pairs(V16 v) {
  return each([&](int i) { return vrev64q_f32(v.part[i]); });
}
inline void v_store_f16(uint16_t* p, V16 v) {
  for (int i = 0; i < 4; ++i) {
    vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(v.part[i])));
  }
}
inline V16 v_set1(float x) {
  return each([&](int) { return vdupq_n_f32(x); });
}
inline V16 v_zero() { return v_set1(0.0f); }
inline V16 v_add(V16 a, V16 b) {
  return each([&](int i) { return vaddq_f32(a.part[i], b.part[i]); });
}
inline V16 v_sub(V16 a, V16 b) {
  return each([&](int i) { return vsubq_f32(a.part[i], b.part[i]); });
}
inline V16 v_mul(V16 a, V16 b) {
  return each([&](int i) { return vmulq_f32(a.part[i], b.part[i]); });
}
inline V16 v_div(V16 a, V16 b) {
  return each([&](int i) { return vdivq_f32(a.part[i], b.part[i]); });
}
// FMAX would give NaN for NaN; the contract is a > b ? a : b.
inline V16 v_max(V16 a, V16 b) {
  return each(
      [&](int i) { return vbslq_f32(vcgtq_f32(a.part[i], b.part[i]), a.part[i], b.part[i]); });
}
inline V16 v_min(V16 a, V16 b) {
  return each(
      [&](int i) { return vbslq_f32(vcltq_f32(a.part[i], b.part[i]), a.part[i], b.part[i]); });
}
inline V16 v_lt_zero_to_zero(V16 a) {
  return each([&](int i) {
    return vbslq_f32(vcltq_f32(a.part[i], vdupq_n_f32(0.0f)), vdupq_n_f32(0.0f), a.part[i]);
  });
}
inline V16 v_round(V16 a) {
  return each([&](int i) { return vrndnq_f32(a.part[i]); });
}
inline V16 v_exp_end(V16 arg, V16 p, V16 n) {
  return each([&](int i) {
    const int32x4_t e = vaddq_s32(vcvtq_s32_f32(n.part[i]), vdupq_n_s32(127));
    const float32x4_t result = vmulq_f32(p.part[i], vreinterpretq_f32_s32(vshlq_n_s32(e, 23)));
    const uint32x4_t below = vcltq_f32(arg.part[i], vdupq_n_f32(kExpZero));
    const uint32x4_t number = vceqq_f32(arg.part[i], arg.part[i]);
    return vbslq_f32(number, vbslq_f32(below, vdupq_n_f32(0.0f), result), arg.part[i]);
  });
}
inline V16 v_abs_bits_max(V16 m, V16 x) {
  return each([&](int i) {
    const int32x4_t bits = vandq_s32(vreinterpretq_s32_f32(x.part[i]), vdupq_n_s32(0x7fffffff));
    return vreinterpretq_f32_s32(vmaxq_s32(vreinterpretq_s32_f32(m.part[i]), bits));
  });
}
inline float v_tree_sum(V16 v) {
  const float32x4_t four =
      vaddq_f32(vaddq_f32(v.part[0], v.part[2]), vaddq_f32(v.part[1], v.part[3]));
  const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
inline float v_largest(V16 v) {
  alignas(64) float lanes[16];
  v_store(lanes, v);
  float largest = lanes[0];
  for (float lane : lanes) largest = lane > largest ? lane : largest;
  return largest;
}
inline uint32_t v_largest_bits(V16 v) {
  const auto bits = [&](int i) { return vreinterpretq_u32_f32(v.part[i]); };
  return vmaxvq_u32(vmaxq_u32(vmaxq_u32(bits(0), bits(1)), vmaxq_u32(bits(2), bits(3))));
}

struct I16 {
  int32x4_t part[4];
};

inline I16 v_no_sums() {
  return {{vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)}};
}
inline void v_quantize(V16 v, int8_t* q, I16& sums) {
  v = v_max(v, v_set1(-128.0f));
  v = v_min(v, v_set1(127.0f));
  int32x4_t codes[4];
  for (int i = 0; i < 4; ++i) {
    codes[i] = vcvtq_s32_f32(v.part[i]);
    sums.part[i] = vaddq_s32(sums.part[i], codes[i]);
  }
  const int16x8_t low = vcombine_s16(vmovn_s32(codes[0]), vmovn_s32(codes[1]));
  const int16x8_t high = vcombine_s16(vmovn_s32(codes[2]), vmovn_s32(codes[3]));
  vst1q_s8(q, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}
inline int32_t v_total(I16 sums) {
  return vaddvq_s32(
      vaddq_s32(vaddq_s32(sums.part[0], sums.part[1]), vaddq_s32(sums.part[2], sums.part[3])));
}

}  // namespace

}  // namespace tern::kernels::neon
