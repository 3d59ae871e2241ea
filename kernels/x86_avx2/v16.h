// 16 float lanes as two 256-bit registers, and the operations that the loops of kernels/vector_*.h
// are written with (their meaning is stated there). Private to this folder: everything is in an
// unnamed namespace.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/exp_constants.h"

namespace tern::kernels::avx2 {
namespace {

struct V16 {
  __m256 low, high;
};

inline V16 v_load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void v_store(float* p, V16 v) {
  _mm256_storeu_ps(p, v.low);
  _mm256_storeu_ps(p + 8, v.high);
}
inline V16 v_load_f16(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
          _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
}
inline __m256 widen_bf16(const uint16_t* p) {
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
inline V16 v_load_bf16(const uint16_t* p) { return {widen_bf16(p), widen_bf16(p + 8)}; }
inline __m256 widen_i8(const int8_t* p) {
  const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes));
}
inline V16 v_load_i8(const int8_t* p) { return {widen_i8(p), widen_i8(p + 8)}; }
inline V16 v_load_twice(const float* p) {
  const __m256 v = _mm256_loadu_ps(p);
  return {_mm256_permutevar8x32_ps(v, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3)),
          _mm256_permutevar8x32_ps(v, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7))};
}
inline V16 v_swap_pairs(V16 v) {
  return {_mm256_permute_ps(v.low, 0xb1), _mm256_permute_ps(v.high, 0xb1)};
}
inline void v_store_f16(uint16_t* p, V16 v) {
  constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v.low, kNearest));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(v.high, kNearest));
}
inline V16 v_set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline V16 v_zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
inline V16 v_add(V16 a, V16 b) {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
inline V16 v_sub(V16 a, V16 b) {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
inline V16 v_mul(V16 a, V16 b) {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
inline V16 v_div(V16 a, V16 b) {
  return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}
// MAXPS and MINPS give the second operand where the comparison fails, NaN included.
inline V16 v_max(V16 a, V16 b) {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
inline V16 v_min(V16 a, V16 b) {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
// MAXPS(0, a) is 0 > a ? 0 : a.
inline V16 v_lt_zero_to_zero(V16 a) { return v_max(v_zero(), a); }
inline V16 v_round(V16 a) {
  constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(a.low, kNearest), _mm256_round_ps(a.high, kNearest)};
}
inline __m256 exp_end(__m256 arg, __m256 p, __m256 n) {
  const __m256i e = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  p = _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(e, 23)));
  p = _mm256_andnot_ps(_mm256_cmp_ps(arg, _mm256_set1_ps(kExpZero), _CMP_LT_OQ), p);
  return _mm256_blendv_ps(p, arg, _mm256_cmp_ps(arg, arg, _CMP_UNORD_Q));
}
inline V16 v_exp_end(V16 arg, V16 p, V16 n) {
  return {exp_end(arg.low, p.low, n.low), exp_end(arg.high, p.high, n.high)};
}
inline __m256 abs_bits_max(__m256 m, __m256 x) {
  const __m256i bits = _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fffffff));
  return _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(m), bits));
}
inline V16 v_abs_bits_max(V16 m, V16 x) {
  return {abs_bits_max(m.low, x.low), abs_bits_max(m.high, x.high)};
}
inline __m256i clamp_to_i32(__m256 v) {
  v = _mm256_max_ps(v, _mm256_set1_ps(-128.0f));
  v = _mm256_min_ps(v, _mm256_set1_ps(127.0f));
  return _mm256_cvttps_epi32(v);
}
inline float v_tree_sum(V16 v) {
  const __m256 eight = _mm256_add_ps(v.low, v.high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float v_largest(V16 v) {
  const __m256 eight = _mm256_max_ps(v.low, v.high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
inline uint32_t v_largest_bits(V16 v) {
  const __m256i eight = _mm256_max_epi32(_mm256_castps_si256(v.low), _mm256_castps_si256(v.high));
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(four));
}

struct I16 {
  __m256i low, high;
};

inline I16 v_no_sums() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline void v_quantize(V16 v, int8_t* q, I16& sums) {
  const __m256i low = clamp_to_i32(v.low);
  const __m256i high = clamp_to_i32(v.high);
  // The packs work within 128-bit halves; the permutation puts the quarters in order.
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
  const __m128i bytes =
      _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q), bytes);
  sums = {_mm256_add_epi32(sums.low, low), _mm256_add_epi32(sums.high, high)};
}
inline int32_t v_total(I16 sums) {
  const __m256i eight = _mm256_add_epi32(sums.low, sums.high);
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1));
  return _mm_cvtsi128_si32(four);
}

}  // namespace

}  // namespace tern::kernels::avx2
