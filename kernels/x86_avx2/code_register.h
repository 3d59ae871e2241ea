// What x86_stream_tiles.h, x86_sum_steps.h and code_loop.h need of 256-bit registers and is the
// same with and without VNNI. Included in the unnamed namespace of a kernel set, after V = __m256i.
// REQUIRES <immintrin.h> and <string.h>.

inline V load(const void* p) { return _mm256_load_si256(static_cast<const __m256i*>(p)); }
inline void store(void* p, V v) { _mm256_store_si256(static_cast<__m256i*>(p), v); }
inline V broadcast_i32(int32_t v) { return _mm256_set1_epi32(v); }
inline V broadcast4(const int8_t* x) {
  int32_t four;
  memcpy(&four, x, sizeof(four));
  return _mm256_set1_epi32(four);
}
inline V add_i32(V a, V b) { return _mm256_add_epi32(a, b); }
inline V bytes_of(uint8_t v) { return _mm256_set1_epi8(static_cast<char>(v)); }
inline V and_bits(V a, V b) { return _mm256_and_si256(a, b); }
inline V nibbles(V v) { return _mm256_srli_epi16(v, 4); }

// Keeps a sum in its register: without it GCC 12 moves and spills sums around a loop.
inline void pin(V& sum) { __asm__ volatile("" : "+x"(sum)); }
// The same right behind sum + product: the product still counts as used, or the sum would take its
// register and be moved back.
inline void pin_beside(V& sum, V product) { __asm__ volatile("" : "+x"(sum) : "x"(product)); }
inline V zero_sums() {
  V zero = _mm256_setzero_si256();
  pin(zero);
  return zero;
}

inline void unpack_line(const uint8_t* line, uint8_t* codes, size_t stride) {
  const V mask = bytes_of(3);
  for (size_t half = 0; half < 2; ++half) {
    V left = load(line + 32 * half);
    for (size_t n = 0; n < 4; ++n) {
      store(codes + n * stride + 32 * half, and_bits(left, mask));
      left = _mm256_srli_epi16(left, 2);
    }
  }
}

inline void add_scaled(float* y, V isum, const float* w_scales, float x_scale) {
  const __m256 scale = _mm256_mul_ps(_mm256_loadu_ps(w_scales), _mm256_set1_ps(x_scale));
  const __m256 term = _mm256_mul_ps(_mm256_cvtepi32_ps(isum), scale);
  _mm256_store_ps(y, _mm256_add_ps(_mm256_load_ps(y), term));
}
