// The float kernels over 16 lanes, written once for every vector ISA. The including file first
// includes the v16.h of its folder, which defines the type V16 (16 floats) and the functions
//
//   v_load v_store v_load_f16 v_load_bf16 v_load_i8 v_store_f16 v_set1 v_zero v_add v_sub v_mul
//   v_div v_max (a > b ? a : b)  v_min (a < b ? a : b)  v_lt_zero_to_zero (a < 0 ? 0 : a) v_round
//   (half to even, |x| < 2^22)  v_exp_end (arg, p, n: arg where it is NaN, 0 where it is below
//   kExpZero, else p * 2^n for integral n in [-126, 127])  v_abs_bits_max (larger of two as bit
//   patterns, sign cleared in the second)
//   v_load_twice (8 floats, each in two lanes side by side)  v_swap_pairs (lanes 2 i and 2 i + 1)
//   v_tree_sum (of the 16 lanes)  v_largest (by v_max)  v_largest_bits (as a bit pattern)
//
// and the type I16 (16 int32) with v_no_sums v_quantize (clamp to [-128, 127], convert to int8,
// store 16, add the int32 values to sums)  v_total (of 16 sums).
//
// Each operation is one IEEE operation rounded to nearest on every lane, so all ISAs and the scalar
// loops give the same bits. Tails of fewer than 16 elements are computed lane by lane like scalar.
// REQUIRES the includer to be in its ISA namespace and to have included <math.h>, <string.h>,
// dense_layout.h, exp_constants.h, half.h, kernel_table.h and v16.h.

#include "kernels/vector_exp.h"

float dot_f32(const float* a, const float* b, size_t n) noexcept {
  V16 sums = v_zero();
  size_t i = 0;
  for (; i + 16 <= n; i += 16) sums = v_add(sums, v_mul(v_load(a + i), v_load(b + i)));
  if (i < n) {
    float products[kPartialSums];
    for (size_t j = i; j < n; ++j) products[j - i] = a[j] * b[j];
    sums = add_tail(sums, products, n - i);
  }
  return v_tree_sum(sums);
}

float dot_f16(const float* a, const uint16_t* b, size_t n) noexcept {
  V16 sums = v_zero();
  size_t i = 0;
  for (; i + 16 <= n; i += 16) sums = v_add(sums, v_mul(v_load(a + i), v_load_f16(b + i)));
  if (i < n) {
    float products[kPartialSums];
    for (size_t j = i; j < n; ++j) products[j - i] = a[j] * tern::kernels::f16_to_f32(b[j]);
    sums = add_tail(sums, products, n - i);
  }
  return v_tree_sum(sums);
}

float dot_bf16(const float* a, const uint16_t* b, size_t n) noexcept {
  V16 sums = v_zero();
  size_t i = 0;
  for (; i + 16 <= n; i += 16) sums = v_add(sums, v_mul(v_load(a + i), v_load_bf16(b + i)));
  if (i < n) {
    float products[kPartialSums];
    for (size_t j = i; j < n; ++j) products[j - i] = a[j] * tern::kernels::bf16_to_f32(b[j]);
    sums = add_tail(sums, products, n - i);
  }
  return v_tree_sum(sums);
}

void merge_f32(float* acc, float a, const float* x, float b, size_t n) noexcept {
  const V16 keep = v_set1(a);
  const V16 take = v_set1(b);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    v_store(acc + i, v_add(v_mul(v_load(acc + i), keep), v_mul(v_load(x + i), take)));
  }
  for (; i < n; ++i) acc[i] = acc[i] * a + x[i] * b;
}

void rms_norm(const float* x, const float* w, float* y, size_t n, float eps) noexcept {
  const float mean = dot_f32(x, x, n) / static_cast<float>(n);
  const float s = 1.0f / sqrtf(mean + eps);
  const V16 factor = v_set1(s);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    v_store(y + i, v_mul(v_mul(v_load(x + i), factor), v_load(w + i)));
  }
  for (; i < n; ++i) y[i] = (x[i] * s) * w[i];
}

void quantize_i8(const float* x, size_t n, size_t n_padded, size_t group, int8_t* q, float* scales,
                 int32_t* sums) noexcept {
  size_t g = 0;
  for (size_t begin = 0; begin < n; begin += group, ++g) {
    const size_t end = n - begin < group ? n : begin + group;
    V16 max_lanes = v_set1(kMinAbsmax);
    size_t i = begin;
    for (; i + 16 <= end; i += 16) max_lanes = v_abs_bits_max(max_lanes, v_load(x + i));
    if (i < end) max_lanes = v_abs_bits_max(max_lanes, load_tail(x + i, end - i));
    const float absmax = f32_from_bits(v_largest_bits(max_lanes));
    const V16 s = v_set1(127.0f / absmax);
    I16 lane_sums = v_no_sums();
    for (i = begin; i + 16 <= end; i += 16) {
      v_quantize(v_round(v_mul(v_load(x + i), s)), q + i, lane_sums);
    }
    if (i < end) {
      int8_t codes[kPartialSums];
      v_quantize(v_round(v_mul(load_tail(x + i, end - i), s)), codes, lane_sums);
      memcpy(q + i, codes, end - i);
    }
    scales[g] = absmax / 127.0f;
    sums[g] = v_total(lane_sums);
  }
  for (size_t i = n; i < n_padded; ++i) q[i] = 0;
}

uint32_t quantize_q8_0(const float* x, uint8_t* blocks, size_t n) noexcept {
  const V16 low = v_set1(-127.0f);
  const V16 high = v_set1(127.0f);
  I16 unused = v_no_sums();
  uint32_t largest = 0;
  for (size_t begin = 0; begin < n; begin += kQ8Elems, blocks += kQ8Bytes) {
    const V16 in[2] = {v_load(x + begin), v_load(x + begin + 16)};
    const uint32_t max_bits =
        v_largest_bits(v_abs_bits_max(v_abs_bits_max(v_zero(), in[0]), in[1]));
    if (max_bits > largest) largest = max_bits;
    const uint16_t half = f32_to_finite_f16(f32_from_bits(max_bits) / 127.0f);
    memcpy(blocks, &half, sizeof(half));
    const float d = f16_to_f32(half);
    if (d == 0.0f) {
      memset(blocks + 2, 0, kQ8Elems);
      continue;
    }
    const V16 scale = v_set1(d);
    for (size_t i = 0; i < 2; ++i) {
      V16 v = v_min(v_max(v_div(in[i], scale), low), high);
      v = v_round(v);
      int8_t codes[kPartialSums];
      v_quantize(v, codes, unused);
      memcpy(blocks + 2 + 16 * i, codes, sizeof(codes));
    }
  }
  return largest;
}

float exp_sum(float* x, size_t n, float max) noexcept { return exp_and_sum(x, n, max); }

void silu_mul(const float* gate, const float* up, float* out, size_t n) noexcept {
  const V16 one = v_set1(1.0f);
  const V16 minus_one = v_set1(-1.0f);
  size_t i = 0;
  for (; i < n; i += 16) {
    const size_t count = n - i < 16 ? n - i : 16;
    const V16 g = count == 16 ? v_load(gate + i) : load_tail(gate + i, count);
    const V16 u = count == 16 ? v_load(up + i) : load_tail(up + i, count);
    const V16 y = v_mul(v_div(g, v_add(one, exp_lanes(v_mul(g, minus_one)))), u);
    if (count == 16) {
      v_store(out + i, y);
    } else {
      store_tail(out + i, y, count);
    }
  }
}

void relu2_mul(const float* gate, const float* up, float* out, size_t n) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const V16 r = v_lt_zero_to_zero(v_load(gate + i));
    v_store(out + i, v_mul(v_mul(r, r), v_load(up + i)));
  }
  for (; i < n; ++i) {
    const float r = gate[i] < 0.0f ? 0.0f : gate[i];
    out[i] = (r * r) * up[i];
  }
}

void add_f32(float* x, const float* y, size_t n) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) v_store(x + i, v_add(v_load(x + i), v_load(y + i)));
  for (; i < n; ++i) x[i] = x[i] + y[i];
}

void scale_f32(float* x, float s, size_t n) noexcept {
  const V16 factor = v_set1(s);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) v_store(x + i, v_mul(v_load(x + i), factor));
  for (; i < n; ++i) x[i] = x[i] * s;
}

void rope_half_split(float* head, const float* cosines, const float* sines,
                     size_t n_pairs) noexcept {
  float* other = head + n_pairs;
  size_t i = 0;
  for (; i + 16 <= n_pairs; i += 16) {
    const V16 cosine = v_load(cosines + i);
    const V16 sine = v_load(sines + i);
    const V16 a = v_load(head + i);
    const V16 b = v_load(other + i);
    v_store(head + i, v_sub(v_mul(a, cosine), v_mul(b, sine)));
    v_store(other + i, v_add(v_mul(a, sine), v_mul(b, cosine)));
  }
  for (; i < n_pairs; ++i) {
    const float a = head[i];
    const float b = other[i];
    head[i] = a * cosines[i] - b * sines[i];
    other[i] = a * sines[i] + b * cosines[i];
  }
}

// To add the product with a sine of the other sign is to subtract it.
void rope_adjacent(float* head, const float* cosines, const float* sines, size_t n_pairs) noexcept {
  constexpr float kMinusFirst[16] = {-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1};
  const V16 signs = v_load(kMinusFirst);
  size_t i = 0;
  for (; i + 8 <= n_pairs; i += 8) {
    const V16 pairs = v_load(head + 2 * i);
    const V16 sine = v_mul(v_load_twice(sines + i), signs);
    v_store(head + 2 * i,
            v_add(v_mul(pairs, v_load_twice(cosines + i)), v_mul(v_swap_pairs(pairs), sine)));
  }
  for (; i < n_pairs; ++i) {
    const float a = head[2 * i];
    const float b = head[2 * i + 1];
    head[2 * i] = a * cosines[i] - b * sines[i];
    head[2 * i + 1] = a * sines[i] + b * cosines[i];
  }
}

void f32_to_f16_array(const float* x, uint16_t* y, size_t n) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) v_store_f16(y + i, v_load(x + i));
  for (; i < n; ++i) y[i] = tern::kernels::f32_to_f16(x[i]);
}

void f16_to_f32_array(const uint16_t* x, float* y, size_t n) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) v_store(y + i, v_load_f16(x + i));
  for (; i < n; ++i) y[i] = tern::kernels::f16_to_f32(x[i]);
}

// Overrides of every float entry.
void fill_float_ops(KernelTable& table) noexcept {
  table.dot_f32 = dot_f32;
  table.dot_f16 = dot_f16;
  table.dot_bf16 = dot_bf16;
  table.merge_f32 = merge_f32;
  table.rms_norm = rms_norm;
  table.quantize_i8 = quantize_i8;
  table.quantize_q8_0 = quantize_q8_0;
  table.exp_sum = exp_sum;
  table.silu_mul = silu_mul;
  table.relu2_mul = relu2_mul;
  table.add_f32 = add_f32;
  table.scale_f32 = scale_f32;
  table.rope_half_split = rope_half_split;
  table.rope_adjacent = rope_adjacent;
  table.f32_to_f16 = f32_to_f16_array;
  table.f16_to_f32 = f16_to_f32_array;
}
