// The specification of the float kernels.
#include <math.h>
#include <string.h>

#include "kernels/dense_layout.h"
#include "kernels/exp_constants.h"
#include "kernels/half.h"
#include "kernels/scalar/scalar.h"

namespace tern::kernels::scalar {

float tree_sum(float* p) noexcept {
  for (size_t half = kPartialSums / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) p[i] = p[i] + p[i + half];
  }
  return p[0];
}

namespace {

float exp_f32(float arg) {
  float x = arg > kExpMin ? arg : kExpMin;
  x = x < kExpMax ? x : kExpMax;
  const float n = round_half_even(x * kLog2E);
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float p = kExpC7;
  p = p * r + kExpC6;
  p = p * r + kExpC5;
  p = p * r + kExpC4;
  p = p * r + kExpC3;
  p = p * r + kExpC2;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  p = p * f32_from_bits(static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23);
  if (arg < kExpZero) p = 0.0f;
  return arg == arg ? p : arg;
}

}  // namespace

float dot_f32(const float* a, const float* b, size_t n) noexcept {
  float p[kPartialSums] = {};
  for (size_t i = 0; i < n; ++i) p[i % kPartialSums] += a[i] * b[i];
  return tree_sum(p);
}

float dot_f16(const float* a, const uint16_t* b, size_t n) noexcept {
  float p[kPartialSums] = {};
  for (size_t i = 0; i < n; ++i) p[i % kPartialSums] += a[i] * f16_to_f32(b[i]);
  return tree_sum(p);
}

float dot_bf16(const float* a, const uint16_t* b, size_t n) noexcept {
  float p[kPartialSums] = {};
  for (size_t i = 0; i < n; ++i) p[i % kPartialSums] += a[i] * bf16_to_f32(b[i]);
  return tree_sum(p);
}

void merge_f32(float* acc, float a, const float* x, float b, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) acc[i] = acc[i] * a + x[i] * b;
}

void rms_norm(const float* x, const float* w, float* y, size_t n, float eps) noexcept {
  const float mean = dot_f32(x, x, n) / static_cast<float>(n);
  const float s = 1.0f / sqrtf(mean + eps);
  for (size_t i = 0; i < n; ++i) y[i] = (x[i] * s) * w[i];
}

void quantize_i8(const float* x, size_t n, size_t n_padded, size_t group, int8_t* q, float* scales,
                 int32_t* sums) noexcept {
  size_t g = 0;
  for (size_t begin = 0; begin < n; begin += group, ++g) {
    const size_t end = n - begin < group ? n : begin + group;
    // The largest magnitude, compared as bit patterns: a NaN is above infinity and cannot get lost.
    uint32_t max_bits = f32_bits(kMinAbsmax);
    for (size_t i = begin; i < end; ++i) {
      const uint32_t bits = f32_bits(x[i]) & 0x7fffffffu;
      if (bits > max_bits) max_bits = bits;
    }
    const float absmax = f32_from_bits(max_bits);
    const float s = 127.0f / absmax;
    int32_t sum = 0;
    for (size_t i = begin; i < end; ++i) {
      float v = round_half_even(x[i] * s);
      v = v > -128.0f ? v : -128.0f;
      v = v < 127.0f ? v : 127.0f;
      const int32_t code = static_cast<int32_t>(v);
      q[i] = static_cast<int8_t>(code);
      sum += code;
    }
    scales[g] = absmax / 127.0f;
    sums[g] = sum;
  }
  for (size_t i = n; i < n_padded; ++i) q[i] = 0;
}

uint32_t quantize_q8_0(const float* x, uint8_t* blocks, size_t n) noexcept {
  uint32_t largest = 0;
  for (size_t begin = 0; begin < n; begin += kQ8Elems, blocks += kQ8Bytes) {
    const float* in = x + begin;
    uint32_t max_bits = 0;
    for (size_t i = 0; i < kQ8Elems; ++i) {
      const uint32_t bits = f32_bits(in[i]) & 0x7fffffffu;
      if (bits > max_bits) max_bits = bits;
    }
    if (max_bits > largest) largest = max_bits;
    const uint16_t half = f32_to_finite_f16(f32_from_bits(max_bits) / 127.0f);
    memcpy(blocks, &half, sizeof(half));
    const float d = f16_to_f32(half);
    for (size_t i = 0; i < kQ8Elems; ++i) {
      float v = d == 0.0f ? 0.0f : in[i] / d;
      v = v > -127.0f ? v : -127.0f;
      v = v < 127.0f ? v : 127.0f;
      blocks[2 + i] = static_cast<uint8_t>(static_cast<int8_t>(round_half_even(v)));
    }
  }
  return largest;
}

float exp_sum(float* x, size_t n, float max) noexcept {
  float p[kPartialSums] = {};
  for (size_t i = 0; i < n; ++i) {
    x[i] = exp_f32(x[i] - max);
    p[i % kPartialSums] += x[i];
  }
  return tree_sum(p);
}

void silu_mul(const float* gate, const float* up, float* out, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    out[i] = (gate[i] / (1.0f + exp_f32(-gate[i]))) * up[i];
  }
}

void relu2_mul(const float* gate, const float* up, float* out, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    // Written so that a NaN stays one.
    const float r = gate[i] < 0.0f ? 0.0f : gate[i];
    out[i] = (r * r) * up[i];
  }
}

void add_f32(float* x, const float* y, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) x[i] = x[i] + y[i];
}

void scale_f32(float* x, float s, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) x[i] = x[i] * s;
}

namespace {

void turn(float& a, float& b, float cosine, float sine) {
  const float before = a;
  a = before * cosine - b * sine;
  b = before * sine + b * cosine;
}

}  // namespace

void rope_half_split(float* head, const float* cosines, const float* sines,
                     size_t n_pairs) noexcept {
  for (size_t i = 0; i < n_pairs; ++i) turn(head[i], head[i + n_pairs], cosines[i], sines[i]);
}

void rope_adjacent(float* head, const float* cosines, const float* sines, size_t n_pairs) noexcept {
  for (size_t i = 0; i < n_pairs; ++i) turn(head[2 * i], head[2 * i + 1], cosines[i], sines[i]);
}

void f32_to_f16_array(const float* x, uint16_t* y, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] = f32_to_f16(x[i]);
}

void f16_to_f32_array(const uint16_t* x, float* y, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] = f16_to_f32(x[i]);
}

}  // namespace tern::kernels::scalar
