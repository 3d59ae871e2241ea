// 16 float lanes as one 512-bit register, and the operations that the loops of kernels/vector_*.h
// are written with (their meaning is stated there). Private to this folder: everything is in an
// unnamed namespace.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

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
inline V16 v_pow2(V16 n) {
  const __m512i e = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
  return _mm512_castsi512_ps(_mm512_slli_epi32(e, 23));
}
inline V16 v_below(V16 a, V16 limit, V16 b) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, limit, _CMP_NLT_UQ), b);
}
inline V16 v_nan_from(V16 a, V16 b) {
  return _mm512_mask_mov_ps(b, _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a);
}
inline V16 v_abs_bits_max(V16 m, V16 x) {
  const __m512i bits = _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff));
  return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(m), bits));
}
inline void v_quantize(V16 v, int8_t* q, int32_t* sums) {
  v = _mm512_max_ps(v, _mm512_set1_ps(-128.0f));
  v = _mm512_min_ps(v, _mm512_set1_ps(127.0f));
  const __m512i codes = _mm512_cvttps_epi32(v);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm512_cvtepi32_epi8(codes));
  _mm512_storeu_si512(sums, _mm512_add_epi32(_mm512_loadu_si512(sums), codes));
}

}  // namespace

}  // namespace tern::kernels::avx512vnni
