// The parts of t5_loop.h that the AVX-512 sets have in common: products of unpacked codes with
// vpdpbusd. Included in an unnamed namespace of the ISA's own. REQUIRES <immintrin.h>, <string.h>,
// t5_buffer.h.

constexpr size_t kT5Tiles = 2;
constexpr size_t kT5Block = 12;  // 24 registers of sums, 2 of codes, 1 of activations

#if defined(__clang__)
#define TERN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TERN_UNROLL _Pragma("GCC unroll 16")
#endif

template <size_t n_tiles, size_t n_block>
inline void dot_fours(const uint8_t* codes, size_t n_fours, const int8_t* x, size_t x_stride,
                      int32_t* sums) {
  __m512i isum[n_block][n_tiles];
  TERN_UNROLL
  for (size_t t = 0; t < n_block; ++t) {
    TERN_UNROLL
    for (size_t i = 0; i < n_tiles; ++i) {
      isum[t][i] = _mm512_load_si512(sums + (t * kT5Tiles + i) * kTileRows);
    }
  }
  for (size_t at = 0; at < n_fours; ++at) {
    __m512i four_codes[n_tiles];
    TERN_UNROLL
    for (size_t i = 0; i < n_tiles; ++i) {
      four_codes[i] = _mm512_load_si512(codes + (i * kT5BufferFours + at) * kLineBytes);
    }
    TERN_UNROLL
    for (size_t t = 0; t < n_block; ++t) {
      int32_t four;
      memcpy(&four, x + t * x_stride + 4 * at, sizeof(four));
      const __m512i fours = _mm512_set1_epi32(four);
      TERN_UNROLL
      for (size_t i = 0; i < n_tiles; ++i) {
        isum[t][i] = _mm512_dpbusd_epi32(isum[t][i], four_codes[i], fours);
      }
    }
  }
  TERN_UNROLL
  for (size_t t = 0; t < n_block; ++t) {
    TERN_UNROLL
    for (size_t i = 0; i < n_tiles; ++i) {
      _mm512_store_si512(sums + (t * kT5Tiles + i) * kTileRows, isum[t][i]);
    }
  }
}

inline __m512 with_group(__m512 y, __m512i isum, int32_t x_sum, float x_scale,
                         const float* w_scales) {
  const __m512 exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(isum, _mm512_set1_epi32(x_sum)));
  const __m512 scale = _mm512_mul_ps(_mm512_loadu_ps(w_scales), _mm512_set1_ps(x_scale));
  return _mm512_add_ps(y, _mm512_mul_ps(exact, scale));
}

inline void add_group(float* y, const int32_t* sums, int32_t x_sum, float x_scale,
                      const float* w_scales) {
  _mm512_store_ps(y,
                  with_group(_mm512_load_ps(y), _mm512_load_si512(sums), x_sum, x_scale, w_scales));
}
