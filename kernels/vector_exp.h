// exp_f32 of 16 lanes (exp_constants.h) and of arrays, for the loops of kernels/vector_*.h.
// REQUIRES the includer to be in its ISA namespace and to have included exp_constants.h,
// kernel_table.h and the v16.h of its folder.

#include "kernels/vector_sums.h"

namespace {

inline V16 exp_lanes(V16 arg) {
  V16 x = v_max(arg, v_set1(kExpMin));
  x = v_min(x, v_set1(kExpMax));
  const V16 n = v_round(v_mul(x, v_set1(kLog2E)));
  const V16 r = v_sub(v_sub(x, v_mul(n, v_set1(kLn2High))), v_mul(n, v_set1(kLn2Low)));
  V16 p = v_set1(kExpC7);
  p = v_add(v_mul(p, r), v_set1(kExpC6));
  p = v_add(v_mul(p, r), v_set1(kExpC5));
  p = v_add(v_mul(p, r), v_set1(kExpC4));
  p = v_add(v_mul(p, r), v_set1(kExpC3));
  p = v_add(v_mul(p, r), v_set1(kExpC2));
  p = v_add(v_mul(p, r), v_set1(1.0f));
  p = v_add(v_mul(p, r), v_set1(1.0f));
  return v_exp_end(arg, p, n);
}

// Copies a tail of n < 16 floats into a full vector, zeros behind.
inline V16 load_tail(const float* x, size_t n) {
  alignas(64) float p[kPartialSums] = {};
  for (size_t i = 0; i < n; ++i) p[i] = x[i];
  return v_load(p);
}

inline void store_tail(float* x, V16 v, size_t n) {
  alignas(64) float p[kPartialSums];
  v_store(p, v);
  for (size_t i = 0; i < n; ++i) x[i] = p[i];
}

// As ExpSumFn.
inline float exp_and_sum(float* x, size_t n, float max) {
  const V16 shift = v_set1(max);
  V16 sums = v_zero();
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const V16 e = exp_lanes(v_sub(v_load(x + i), shift));
    v_store(x + i, e);
    sums = v_add(sums, e);
  }
  if (i < n) {
    const V16 e = exp_lanes(v_sub(load_tail(x + i, n - i), shift));
    store_tail(x + i, e, n - i);
    sums = add_tail(sums, x + i, n - i);
  }
  return v_tree_sum(sums);
}

}  // namespace
