// The end of a reduction over 16 lanes, for the loops of kernels/vector_*.h. REQUIRES the
// includer to be in its ISA namespace and to have included half.h, kernel_table.h and the v16.h of
// its folder.

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

// The largest of 16 lanes as bit patterns.
inline uint32_t largest_bits(V16 v) {
  alignas(64) float lanes[kPartialSums];
  v_store(lanes, v);
  uint32_t largest = 0;
  for (float lane : lanes) {
    const uint32_t bits = f32_bits(lane);
    if (bits > largest) largest = bits;
  }
  return largest;
}

}  // namespace
