// The end of a reduction over 16 partial sums, for the loops of kernels/vector_*.h. REQUIRES the
// includer to be in its ISA namespace and to have included kernel_table.h and the v16.h of its
// folder.

namespace {

inline float tree_sum(V16 v) {
  alignas(64) float p[kPartialSums];
  v_store(p, v);
  for (size_t half = kPartialSums / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) p[i] = p[i] + p[i + half];
  }
  return p[0];
}

// The tail of a reduction: lane i of the partial sums gets element i, the others stay untouched.
inline V16 add_tail(V16 sums, const float* products, size_t n) {
  alignas(64) float p[kPartialSums];
  v_store(p, sums);
  for (size_t i = 0; i < n; ++i) p[i] = p[i] + products[i];
  return v_load(p);
}

}  // namespace
