// 16 float lanes as one 512-bit register, and the operations that the loops of kernels/vector_*.h
// are written with (their meaning is stated there). Private to this folder: everything is in an
// unnamed namespace.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/exp_constants.h"

namespace tern::kernels::avx512vnni {
namespace {

using V16 = __m512;

inline V16 v_load(const float* p) { return _mm512_loadu_ps(p); }
inline void v_store(float* p, V16 v) { _mm512_storeu_ps(p, v); }
inline V16 v_load_f16(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline V16 v_load_bf16(const uint16_t* p) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
inline V16 v_load_i8(const int8_t* p) {
  const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes));
}
inline V16 v_load_twice(const float* p) {
  const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  return _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(p)));
}
inline V16 v_swap_pairs(V16 v) { return _mm512_permute_ps(v, 0xb1); }
inline void v_store_f16(uint16_t* p, V16 v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline V16 v_set1(float x) { return _mm512_set1_ps(x); }
inline V16 v_zero() { return _mm512_setzero_ps(); }
inline V16 v_add(V16 a, V16 b) { return _mm512_add_ps(a, b); }
inline V16 v_sub(V16 a, V16 b) { return _mm512_sub_ps(a, b); }
inline V16 v_mul(V16 a, V16 b) { return _mm512_mul_ps(a, b); }
inline V16 v_div(V16 a, V16 b) { return _mm512_div_ps(a, b); }
// MAXPS and MINPS give the second operand where the comparison fails, NaN included.
inline V16 v_max(V16 a, V16 b) { return _mm512_max_ps(a, b); }
inline V16 v_min(V16 a, V16 b) { return _mm512_min_ps(a, b); }
inline V16 v_lt_zero_to_zero(V16 a) { return _mm512_max_ps(_mm512_setzero_ps(), a); }
inline V16 v_round(V16 a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline V16 v_exp_end(V16 arg, V16 p, V16 n) {
  const __mmask16 below = _mm512_cmp_ps_mask(arg, _mm512_set1_ps(kExpZero), _CMP_LT_OQ);
  const __mmask16 nan = _mm512_cmp_ps_mask(arg, arg, _CMP_UNORD_Q);
  // VSCALEFPS multiplies by 2^n and rounds once.
  return _mm512_mask_mov_ps(_mm512_maskz_scalef_ps(_knot_mask16(below), p, n), nan, arg);
}
inline V16 v_abs_bits_max(V16 m, V16 x) {
  const __m512i bits = _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff));
  return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(m), bits));
}
inline float v_tree_sum(V16 v) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float v_largest(V16 v) {
  const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
inline uint32_t v_largest_bits(V16 v) {
  return static_cast<uint32_t>(_mm512_reduce_max_epi32(_mm512_castps_si512(v)));
}

using I16 = __m512i;

inline I16 v_no_sums() { return _mm512_setzero_si512(); }
inline void v_quantize(V16 v, int8_t* q, I16& sums) {
  v = _mm512_max_ps(v, _mm512_set1_ps(-128.0f));
  v = _mm512_min_ps(v, _mm512_set1_ps(127.0f));
  const __m512i codes = _mm512_cvttps_epi32(v);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm512_cvtepi32_epi8(codes));
  sums = _mm512_add_epi32(sums, codes);
}
inline int32_t v_total(I16 sums) { return _mm512_reduce_add_epi32(sums); }

}  // namespace

}  // namespace tern::kernels::avx512vnni
