// Ternary product over T2 tiles with vpmaddubsw in 512-bit registers: as with AVX2, a whole tile a
// register.
#include <immintrin.h>
#include <string.h>

#include "kernels/repeat.h"
#include "kernels/x86_avx512bw/avx512bw.h"

namespace tern::kernels::avx512bw {
namespace {

using V = __m512i;

// One lane is at most 2 * 2 * 127 = 508 and at least -2 * 2 * 128 = -512.
constexpr size_t kMaxPair = 2 * 2 * 127;
constexpr size_t kMinPair = 2 * 2 * 128;

constexpr size_t kStreamTokens = 4;  // 8 sums
constexpr size_t kStreamFields = 2;
constexpr size_t kStreamLines = 8;  // two pairs a line, those of the upper codes at 4x
static_assert(kStreamLines * 2 * 4 * kMaxPair <= 32767);
static_assert(kStreamLines * 2 * 4 * kMinPair <= 32768);

constexpr size_t kLoopTokens = 12;  // 24 sums, 2 registers of codes, a broadcast and products
constexpr size_t kLoopLines = 16;   // four pairs a line
static_assert(kLoopLines * 4 * kMaxPair <= 32767);
static_assert(kLoopLines * 4 * kMinPair <= 32768);

// Fewer tokens do not make up for writing the codes to memory.
constexpr size_t kManyTokens = 12;

inline V load(const void* p) { return _mm512_load_si512(p); }
inline void store(void* p, V v) { _mm512_store_si512(p, v); }
inline V broadcast_i32(int32_t v) { return _mm512_set1_epi32(v); }
inline V broadcast4(const int8_t* x) {
  int32_t four;
  memcpy(&four, x, sizeof(four));
  return _mm512_set1_epi32(four);
}
inline V add_i32(V a, V b) { return _mm512_add_epi32(a, b); }
inline V bytes_of(uint8_t v) { return _mm512_set1_epi8(static_cast<char>(v)); }
inline V and_bits(V a, V b) { return _mm512_and_si512(a, b); }
inline V nibbles(V v) { return _mm512_srli_epi16(v, 4); }

// Keeps a sum in its register: without it GCC 12 moves and spills sums around a loop.
inline void pin(V& sum) { __asm__ volatile("" : "+v"(sum)); }
// The same right behind sum + product: the product still counts as used, or the sum would take its
// register and be moved back.
inline void pin_beside(V& sum, V product) { __asm__ volatile("" : "+v"(sum) : "v"(product)); }
inline V zero_sums() {
  V zero = _mm512_setzero_si512();
  pin(zero);
  return zero;
}

inline void unpack_line(const uint8_t* line, uint8_t* codes, size_t stride) {
  const V mask = bytes_of(3);
  const V packed = load(line);
  store(codes, and_bits(packed, mask));
  store(codes + stride, and_bits(_mm512_srli_epi16(packed, 2), mask));
  store(codes + 2 * stride, and_bits(_mm512_srli_epi16(packed, 4), mask));
  store(codes + 3 * stride, and_bits(_mm512_srli_epi16(packed, 6), mask));
}

inline void add_products(V& sum, V codes, V four) {
  const V product = _mm512_maddubs_epi16(codes, four);
  sum = _mm512_add_epi16(sum, product);
  pin_beside(sum, product);
}
inline V widen(V sum) { return _mm512_madd_epi16(sum, _mm512_set1_epi16(1)); }
inline V widen_fields(const V (&at)[kStreamFields]) {
  return widen(_mm512_add_epi16(at[0], _mm512_srai_epi16(at[1], 2)));
}

inline void add_scaled(float* y, V isum, const float* w_scales, float x_scale) {
  const __m512 scale = _mm512_mul_ps(_mm512_loadu_ps(w_scales), _mm512_set1_ps(x_scale));
  const __m512 term = _mm512_mul_ps(_mm512_cvtepi32_ps(isum), scale);
  _mm512_store_ps(y, _mm512_add_ps(_mm512_load_ps(y), term));
}

}  // namespace

// In this order.
#include "kernels/token_blocks.h"
//
#include "kernels/x86_stream_tiles.h"
//
#include "kernels/x86_sum_steps.h"
//
#include "kernels/code_loop.h"

void ternary_gemv_t2(const TernaryProduct& p) noexcept { stream_product(p); }

void ternary_gemm_t2(const TernaryProduct& p) noexcept {
  if (p.n_tokens < kManyTokens) return stream_product(p);
  loop_product<LoopT2<unpack_line>, RunSteps<6, 7, 8, 9, 10, 11, 12>>(p);
}

}  // namespace tern::kernels::avx512bw
