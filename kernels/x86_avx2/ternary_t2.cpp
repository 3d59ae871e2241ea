// Ternary product over T2 tiles with vpmaddubsw: unsigned codes times signed activations, pairs
// added in int16. A row lives in one 32-bit lane, so a broadcast of four activations serves all
// rows.
#include <immintrin.h>
#include <string.h>

#include "kernels/x86_avx2/avx2.h"

namespace tern::kernels::avx2 {
namespace {

// One maddubs lane is at most 2 * 2 * 127 = 508 and at least -2 * 2 * 128 = -512; a line adds four
// of them. 16 lines stay within int16: 64 * 508 = 32512, 64 * -512 = -32768.
constexpr size_t kLinesPerFlush = 16;
static_assert(kLinesPerFlush * 4 * 2 * 2 * 127 <= 32767);
static_assert(kLinesPerFlush * 4 * 2 * 2 * 128 <= 32768);

constexpr size_t kPrefetchBytes = 2048;

inline __m256i broadcast4(const int8_t* x) {
  int32_t four;
  memcpy(&four, x, sizeof(four));
  return _mm256_set1_epi32(four);
}

// y[rows] += float(isum - x_sum) * (w_scale * x_scale), as two halves of 8 rows.
struct RowSums {
  __m256 low, high;
};

inline __m256 apply_scale(__m256 y, __m256i isum, __m256i x_sum, const float* w_scales,
                          __m256 x_scale) {
  const __m256 exact = _mm256_cvtepi32_ps(_mm256_sub_epi32(isum, x_sum));
  return _mm256_add_ps(y, _mm256_mul_ps(exact, _mm256_mul_ps(_mm256_loadu_ps(w_scales), x_scale)));
}

inline void add_group(RowSums& y, __m256i isum_low, __m256i isum_high, const TernaryProduct& p,
                      size_t token, size_t group, const float* w_scales) {
  const __m256i x_sum = _mm256_set1_epi32(p.x_sums[token * p.n_groups + group]);
  const __m256 x_scale = _mm256_set1_ps(p.x_scales[token * p.n_groups + group]);
  y.low = apply_scale(y.low, isum_low, x_sum, w_scales, x_scale);
  y.high = apply_scale(y.high, isum_high, x_sum, w_scales + 8, x_scale);
}

inline void store_rows(float* out, const RowSums& y, size_t rows) {
  if (rows >= kTileRows) {
    _mm256_storeu_ps(out, y.low);
    _mm256_storeu_ps(out + 8, y.high);
    return;
  }
  alignas(32) float all[kTileRows];
  _mm256_store_ps(all, y.low);
  _mm256_store_ps(all + 8, y.high);
  for (size_t r = 0; r < rows; ++r) out[r] = all[r];
}

// n_block tokens at once against one tile: the codes of a line are unpacked once for all of them.
template <size_t n_block>
inline void tile_product(const TernaryProduct& p, const uint8_t* lines, size_t tile, size_t token,
                         size_t rows) {
  const __m256i mask = _mm256_set1_epi8(3);
  const __m256i ones = _mm256_set1_epi16(1);
  RowSums y[n_block];
  for (size_t t = 0; t < n_block; ++t) y[t] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  for (size_t g = 0; g < p.n_groups; ++g) {
    const size_t begin = g * p.group_lines;
    const size_t end = p.n_lines - begin < p.group_lines ? p.n_lines : begin + p.group_lines;
    __m256i isum[n_block][2];
    for (size_t t = 0; t < n_block; ++t) isum[t][0] = isum[t][1] = _mm256_setzero_si256();
    for (size_t flush = begin; flush < end; flush += kLinesPerFlush) {
      const size_t flush_end = end - flush < kLinesPerFlush ? end : flush + kLinesPerFlush;
      __m256i words[n_block][2];
      for (size_t t = 0; t < n_block; ++t) words[t][0] = words[t][1] = _mm256_setzero_si256();
      for (size_t line = flush; line < flush_end; ++line) {
        const uint8_t* bytes = lines + line * kLineBytes;
        _mm_prefetch(reinterpret_cast<const char*>(bytes + kPrefetchBytes), _MM_HINT_T0);
        __m256i low = _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes));
        __m256i high = _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes + 32));
        const int8_t* x = p.x + token * p.x_stride + line * kLineK;
        for (size_t n = 0; n < 4; ++n) {
          const __m256i codes_low = _mm256_and_si256(low, mask);
          const __m256i codes_high = _mm256_and_si256(high, mask);
          low = _mm256_srli_epi16(low, 2);
          high = _mm256_srli_epi16(high, 2);
          for (size_t t = 0; t < n_block; ++t) {
            const __m256i four = broadcast4(x + t * p.x_stride + 4 * n);
            words[t][0] = _mm256_add_epi16(words[t][0], _mm256_maddubs_epi16(codes_low, four));
            words[t][1] = _mm256_add_epi16(words[t][1], _mm256_maddubs_epi16(codes_high, four));
          }
        }
      }
      for (size_t t = 0; t < n_block; ++t) {
        isum[t][0] = _mm256_add_epi32(isum[t][0], _mm256_madd_epi16(words[t][0], ones));
        isum[t][1] = _mm256_add_epi32(isum[t][1], _mm256_madd_epi16(words[t][1], ones));
      }
    }
    const float* w_scales = p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride;
    for (size_t t = 0; t < n_block; ++t) {
      add_group(y[t], isum[t][0], isum[t][1], p, token + t, g, w_scales);
    }
  }
  for (size_t t = 0; t < n_block; ++t) {
    store_rows(p.y + (token + t) * p.y_stride + tile * kTileRows, y[t], rows);
  }
}

template <size_t n_block>
inline void all_tiles(const TernaryProduct& p, size_t token) {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  for (size_t tile = 0; tile < n_tiles; ++tile) {
    tile_product<n_block>(p, p.tiles + tile * p.n_lines * kLineBytes, tile, token,
                          p.n_rows - tile * kTileRows);
  }
}

}  // namespace

void ternary_gemv_t2(const TernaryProduct& p) noexcept { all_tiles<1>(p, 0); }

void ternary_gemm_t2(const TernaryProduct& p) noexcept {
  // Tokens outside, tiles inside: the activations of four tokens stay in the L1 cache while the
  // tiles of this call (a worker's share) stream by.
  size_t token = 0;
  for (; token + 4 <= p.n_tokens; token += 4) all_tiles<4>(p, token);
  if (token + 2 <= p.n_tokens) {
    all_tiles<2>(p, token);
    token += 2;
  }
  if (token < p.n_tokens) all_tiles<1>(p, token);
}

}  // namespace tern::kernels::avx2
