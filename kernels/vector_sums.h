// The end of a reduction over 16 lanes, for the loops of kernels/vector_*.h. REQUIRES the
// includer to be in its ISA namespace and to have included half.h, kernel_table.h and the v16.h of
// its folder.

namespace {

// The tail of a reduction: lane i of the partial sums gets element i, the others stay untouched.
inline V16 add_tail(V16 sums, const float* products, size_t n) {
  alignas(64) float p[kPartialSums];
  v_store(p, sums);
  for (size_t i = 0; i < n; ++i) p[i] = p[i] + products[i];
  return v_load(p);
}

}  // namespace
