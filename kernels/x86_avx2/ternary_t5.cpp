// Ternary product over T5 tiles with vpmaddubsw.
#include <immintrin.h>
#include <string.h>

#include "kernels/x86_avx2/avx2.h"

namespace tern::kernels::avx2 {
namespace {

constexpr size_t kT5Block = 4;  // 8 registers of sums, 2 of codes
constexpr size_t kPrefetchBytes = 2048;

// One maddubs lane is at most 508 and at least -512; 64 of them fit int16.
constexpr size_t kFoursPerFlush = 64;
static_assert(kFoursPerFlush * 2 * 2 * 127 <= 32767);
static_assert(kFoursPerFlush * 2 * 2 * 128 <= 32768);

inline void unpack_half(const uint8_t* bytes, uint8_t* codes) {
  const __m256i above_minus = _mm256_set1_epi8(-43);
  const __m256i above_zero = _mm256_set1_epi8(42);
  __m256i left = _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes));
  for (size_t n = 0; n < kT5LineDigits; ++n) {
    const __m256i minus_code =
        _mm256_add_epi8(_mm256_cmpgt_epi8(left, above_minus), _mm256_cmpgt_epi8(left, above_zero));
    _mm256_store_si256(reinterpret_cast<__m256i*>(codes + n * kLineBytes),
                       _mm256_abs_epi8(minus_code));
    left = _mm256_add_epi8(left, _mm256_add_epi8(left, left));
  }
}

inline void unpack_line(const uint8_t* line, uint8_t* codes) {
  _mm_prefetch(reinterpret_cast<const char*>(line + kPrefetchBytes), _MM_HINT_T0);
  unpack_half(line, codes);
  unpack_half(line + 32, codes + 32);
}

inline void flush(int32_t* sums, __m256i words) {
  auto* at = reinterpret_cast<__m256i*>(sums);
  const __m256i pairs = _mm256_madd_epi16(words, _mm256_set1_epi16(1));
  _mm256_store_si256(at, _mm256_add_epi32(_mm256_load_si256(at), pairs));
}

template <size_t n_block>
inline void dot_fours(const uint8_t* codes, size_t n_fours, const int8_t* x, size_t x_stride,
                      int32_t* sums) {
  for (size_t begin = 0; begin < n_fours; begin += kFoursPerFlush) {
    const size_t end = n_fours - begin < kFoursPerFlush ? n_fours : begin + kFoursPerFlush;
    __m256i words[n_block][2];
    for (size_t t = 0; t < n_block; ++t) words[t][0] = words[t][1] = _mm256_setzero_si256();
    for (size_t i = begin; i < end; ++i) {
      const auto* four_codes = reinterpret_cast<const __m256i*>(codes + i * kLineBytes);
      const __m256i low = _mm256_load_si256(four_codes);
      const __m256i high = _mm256_load_si256(four_codes + 1);
      for (size_t t = 0; t < n_block; ++t) {
        int32_t four;
        memcpy(&four, x + t * x_stride + 4 * i, sizeof(four));
        const __m256i fours = _mm256_set1_epi32(four);
        words[t][0] = _mm256_add_epi16(words[t][0], _mm256_maddubs_epi16(low, fours));
        words[t][1] = _mm256_add_epi16(words[t][1], _mm256_maddubs_epi16(high, fours));
      }
    }
    for (size_t t = 0; t < n_block; ++t) {
      flush(sums + t * kTileRows, words[t][0]);
      flush(sums + t * kTileRows + 8, words[t][1]);
    }
  }
}

inline void add_group(float* y, const int32_t* sums, int32_t x_sum, float x_scale,
                      const float* w_scales) {
  for (size_t r = 0; r < kTileRows; r += 8) {
    const __m256i isum = _mm256_load_si256(reinterpret_cast<const __m256i*>(sums + r));
    const __m256 exact = _mm256_cvtepi32_ps(_mm256_sub_epi32(isum, _mm256_set1_epi32(x_sum)));
    const __m256 scale = _mm256_mul_ps(_mm256_loadu_ps(w_scales + r), _mm256_set1_ps(x_scale));
    _mm256_store_ps(y + r, _mm256_add_ps(_mm256_load_ps(y + r), _mm256_mul_ps(exact, scale)));
  }
}

}  // namespace

#include "kernels/t5_loop.h"

}  // namespace tern::kernels::avx2
