// Ternary product over T2 tiles with vpmaddubsw: unsigned codes times signed activations, pairs
// added in int16. A row lives in one 32-bit lane, so a broadcast of four activations serves all
// rows.
#include <immintrin.h>
#include <string.h>

#include "kernels/repeat.h"
#include "kernels/x86_avx2/avx2.h"

namespace tern::kernels::avx2 {

#include "kernels/x86_token_blocks.h"

namespace {

constexpr size_t kPrefetchBytes = 4096;

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

// Keeps a sum in its register: without it GCC 12 moves and spills sums around a loop.
inline void pin(__m256i& sum) { __asm__ volatile("" : "+x"(sum)); }

// One maddubs lane is at most 2 * 2 * 127 = 508 and at least -2 * 2 * 128 = -512.
constexpr size_t kMaxPair = 2 * 2 * 127;
constexpr size_t kMinPair = 2 * 2 * 128;

// One or two tokens against one tile: one stream from memory. Of the codes of a nibble the upper
// ones are left where they lie, at 4x, with sums of their own: one shift instead of three for every
// 32 bytes. A line adds two products of each kind.
constexpr size_t kStreamLines = 8;
static_assert(kStreamLines * 2 * 4 * kMaxPair <= 32767);
static_assert(kStreamLines * 2 * 4 * kMinPair <= 32768);

template <size_t n_tokens>
void stream_tile(const TernaryProduct& p, size_t tile, size_t token) {
  const __m256i mask1 = _mm256_set1_epi8(0x03);
  const __m256i mask4 = _mm256_set1_epi8(0x0c);
  const __m256i ones = _mm256_set1_epi16(1);
  const uint8_t* bytes = p.tiles + tile * p.n_lines * kLineBytes;
  const int8_t* x = p.x + token * p.x_stride;
  RowSums y[n_tokens];
  for (size_t t = 0; t < n_tokens; ++t) y[t] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  for (size_t g = 0; g < p.n_groups; ++g) {
    const size_t left = p.n_lines - g * p.group_lines;
    const uint8_t* const end = bytes + (left < p.group_lines ? left : p.group_lines) * kLineBytes;
    __m256i isum[n_tokens][2];
    for (size_t t = 0; t < n_tokens; ++t) isum[t][0] = isum[t][1] = _mm256_setzero_si256();
    while (bytes < end) {
      const size_t most = kStreamLines * kLineBytes;
      const uint8_t* const flush = static_cast<size_t>(end - bytes) < most ? end : bytes + most;
      __m256i at1[n_tokens][2];
      __m256i at4[n_tokens][2];
      repeat<2 * n_tokens>([&](auto i) TERN_INLINE_BODY {
        at1[i / 2][i % 2] = at4[i / 2][i % 2] = _mm256_setzero_si256();
        pin(at1[i / 2][i % 2]);
        pin(at4[i / 2][i % 2]);
      });
      do {
        _mm_prefetch(reinterpret_cast<const char*>(bytes + kPrefetchBytes), _MM_HINT_T0);
        repeat<2>([&](auto nibble) TERN_INLINE_BODY {
          __m256i codes[2];
          repeat<2>([&](auto half) TERN_INLINE_BODY {
            const __m256i line =
                _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes + 32 * half));
            codes[half] = nibble == 0 ? line : _mm256_srli_epi16(line, 4);
          });
          repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
            const int8_t* four = x + t * p.x_stride + 8 * nibble;
            const __m256i x1 = broadcast4(four);
            const __m256i x4 = broadcast4(four + 4);
            repeat<2>([&](auto half) TERN_INLINE_BODY {
              at1[t][half] = _mm256_add_epi16(
                  at1[t][half], _mm256_maddubs_epi16(_mm256_and_si256(codes[half], mask1), x1));
              pin(at1[t][half]);
              at4[t][half] = _mm256_add_epi16(
                  at4[t][half], _mm256_maddubs_epi16(_mm256_and_si256(codes[half], mask4), x4));
              pin(at4[t][half]);
            });
          });
        });
        bytes += kLineBytes;
        x += kLineK;
      } while (bytes < flush);
      repeat<2 * n_tokens>([&](auto i) TERN_INLINE_BODY {
        const __m256i words =
            _mm256_add_epi16(at1[i / 2][i % 2], _mm256_srai_epi16(at4[i / 2][i % 2], 2));
        isum[i / 2][i % 2] = _mm256_add_epi32(isum[i / 2][i % 2], _mm256_madd_epi16(words, ones));
      });
    }
    const float* w_scales = p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride;
    for (size_t t = 0; t < n_tokens; ++t) {
      add_group(y[t], isum[t][0], isum[t][1], p, token + t, g, w_scales);
    }
  }
  for (size_t t = 0; t < n_tokens; ++t) {
    store_rows(p.y + (token + t) * p.y_stride + tile * kTileRows, y[t],
               p.n_rows - tile * kTileRows);
  }
}

// Few tokens: a tile comes from memory once, and from the cache for the second pair.
inline void stream_tiles(const TernaryProduct& p) {
  for (size_t tile = 0; tile * kTileRows < p.n_rows; ++tile) {
    size_t token = 0;
    for (; token + 2 <= p.n_tokens; token += 2) stream_tile<2>(p, tile, token);
    if (token < p.n_tokens) stream_tile<1>(p, tile, token);
  }
}

using V = __m256i;
constexpr size_t kLoopTiles = 1;
constexpr size_t kLoopTokens = 6;  // 12 sums, 2 registers of codes, a broadcast and a product
constexpr size_t kLoopFewest = 4;
// Fewer tokens do not make up for writing the codes to memory.
constexpr size_t kManyTokens = 12;
static_assert(kManyTokens >= 2 * kLoopTokens && kLoopFewest == (2 * kLoopTokens + 1) / 3);
// A line adds four products: 64 * 508 = 32512, 64 * -512 = -32768.
constexpr size_t kLoopLines = 16;
static_assert(kLoopLines * 4 * kMaxPair <= 32767);
static_assert(kLoopLines * 4 * kMinPair <= 32768);

inline V load(const void* p) { return _mm256_load_si256(static_cast<const __m256i*>(p)); }
inline void store(void* p, V v) { _mm256_store_si256(static_cast<__m256i*>(p), v); }
inline V broadcast_i32(int32_t v) { return _mm256_set1_epi32(v); }
inline V add_i32(V a, V b) { return _mm256_add_epi32(a, b); }
inline V zero_sums() {
  V zero = _mm256_setzero_si256();
  pin(zero);
  return zero;
}
inline void unpack_line(const uint8_t* line, uint8_t* codes, size_t stride) {
  const __m256i mask = _mm256_set1_epi8(3);
  for (size_t half = 0; half < 2; ++half) {
    __m256i left = _mm256_load_si256(reinterpret_cast<const __m256i*>(line + 32 * half));
    for (size_t n = 0; n < 4; ++n) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(codes + n * stride + 32 * half),
                         _mm256_and_si256(left, mask));
      left = _mm256_srli_epi16(left, 2);
    }
  }
}
inline void add_products(V& sum, V codes, V four) {
  sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(codes, four));
  pin(sum);
}
inline V widen(V sum) { return _mm256_madd_epi16(sum, _mm256_set1_epi16(1)); }
inline void add_scaled(float* y, V isum, const float* w_scales, float x_scale) {
  const __m256 scale = _mm256_mul_ps(_mm256_loadu_ps(w_scales), _mm256_set1_ps(x_scale));
  const __m256 term = _mm256_mul_ps(_mm256_cvtepi32_ps(isum), scale);
  _mm256_store_ps(y, _mm256_add_ps(_mm256_load_ps(y), term));
}

}  // namespace

#include "kernels/x86_code_loop.h"

void ternary_gemv_t2(const TernaryProduct& p) noexcept { stream_tiles(p); }

void ternary_gemm_t2(const TernaryProduct& p) noexcept {
  if (p.n_tokens < kManyTokens) return stream_tiles(p);
  loop_product(p, RunSteps<4, 5, 6>::of);
}

}  // namespace tern::kernels::avx2
