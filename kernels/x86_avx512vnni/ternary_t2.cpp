// Ternary product over T2 tiles with vpdpbusd: four unsigned codes times four signed activations,
// added to the int32 lane of their row. No step can saturate.
#include <immintrin.h>
#include <string.h>

#include "kernels/repeat.h"
#include "kernels/x86_avx512vnni/avx512vnni.h"

namespace tern::kernels::avx512vnni {

#include "kernels/token_blocks.h"

namespace {

inline __m512i broadcast4(const int8_t* x) {
  int32_t four;
  memcpy(&four, x, sizeof(four));
  return _mm512_set1_epi32(four);
}

// Keeps a sum in its register: without it GCC 12 moves and spills sums around the loop.
inline void pin(__m512i& sum) { __asm__("" : "+v"(sum)); }

inline void store_rows(float* out, __m512 y, size_t rows) {
  const __mmask16 mask = rows >= kTileRows ? static_cast<__mmask16>(0xffff)
                                           : static_cast<__mmask16>((1u << rows) - 1u);
  _mm512_mask_storeu_ps(out, mask, y);
}

// One tile against one or few tokens: one stream from memory, prefetched as far ahead as one core
// has lines on the way. Walking several tiles at once would share the broadcasts, but reads a
// quarter slower from memory.
constexpr size_t kStreamPrefetchBytes = 4096;

// The codes stay where they lie in the byte (1x, 4x, 16x, 64x), each place with sums of its own
// that are shifted at the end: four ANDs and no shifts a line. The largest sum is that of the codes
// at 64x, 128 * 128 for each of 4 elements of 16.
static_assert(kMaxK / 4 * 16384ULL <= 0x7fffffffULL);

template <size_t n_tokens>
inline void add_line(__m512i (&sum)[n_tokens][4], const uint8_t* bytes, const int8_t* x,
                     size_t x_stride) {
  _mm_prefetch(reinterpret_cast<const char*>(bytes + kStreamPrefetchBytes), _MM_HINT_T0);
  const __m512i line = _mm512_load_si512(bytes);
  repeat<4>([&](auto n) TERN_INLINE_BODY {
    const __m512i codes = _mm512_and_si512(line, _mm512_set1_epi8(static_cast<char>(3 << 2 * n)));
    repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
      const __m512i four = broadcast4(x + t * x_stride + 4 * n);
      sum[t][n] = _mm512_dpbusd_epi32(sum[t][n], codes, four);
      pin(sum[t][n]);
    });
  });
}

// n_sets sets of sums take turns: 8 chains at least hide the latency of vpdpbusd.
template <size_t n_tokens, size_t n_sets>
void stream_tiles(const TernaryProduct& p) {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  for (size_t tile = 0; tile < n_tiles; ++tile) {
    const uint8_t* bytes = p.tiles + tile * p.n_lines * kLineBytes;
    const int8_t* x = p.x;
    __m512 y[n_tokens];
    repeat<n_tokens>([&](auto t) TERN_INLINE_BODY { y[t] = _mm512_setzero_ps(); });
    for (size_t g = 0; g < p.n_groups; ++g) {
      const size_t left = p.n_lines - g * p.group_lines;
      const uint8_t* const end = bytes + (left < p.group_lines ? left : p.group_lines) * kLineBytes;
      __m512i sum[n_sets][n_tokens][4];
      repeat<n_sets * n_tokens * 4>([&](auto i) TERN_INLINE_BODY {
        sum[i / 4 / n_tokens][i / 4 % n_tokens][i % 4] = _mm512_setzero_si512();
      });
      for (; bytes + n_sets * kLineBytes <= end; bytes += n_sets * kLineBytes) {
        repeat<n_sets>([&](auto i) TERN_INLINE_BODY {
          add_line<n_tokens>(sum[i], bytes + i * kLineBytes, x + i * kLineK, p.x_stride);
        });
        x += n_sets * kLineK;
      }
      for (; bytes < end; bytes += kLineBytes) {
        add_line<n_tokens>(sum[0], bytes, x, p.x_stride);
        x += kLineK;
      }
      const __m512 w_scale =
          _mm512_loadu_ps(p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride);
      repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
        repeat<(n_sets - 1) * 4>([&](auto i) TERN_INLINE_BODY {
          sum[0][t][i % 4] = _mm512_add_epi32(sum[0][t][i % 4], sum[i / 4 + 1][t][i % 4]);
        });
        const __m512i low = _mm512_add_epi32(sum[0][t][0], _mm512_srai_epi32(sum[0][t][1], 2));
        const __m512i high = _mm512_add_epi32(_mm512_srai_epi32(sum[0][t][2], 4),
                                              _mm512_srai_epi32(sum[0][t][3], 6));
        const __m512i x_sum = _mm512_set1_epi32(p.x_sums[t * p.n_groups + g]);
        const __m512i exact = _mm512_sub_epi32(_mm512_add_epi32(low, high), x_sum);
        const __m512 x_scale = _mm512_set1_ps(p.x_scales[t * p.n_groups + g]);
        y[t] = _mm512_add_ps(
            y[t], _mm512_mul_ps(_mm512_cvtepi32_ps(exact), _mm512_mul_ps(w_scale, x_scale)));
      });
    }
    repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
      store_rows(p.y + t * p.y_stride + tile * kTileRows, y[t], p.n_rows - tile * kTileRows);
    });
  }
}

// Two tiles against a block of tokens share each broadcast, and the codes of a line are unpacked
// once for all tokens. 24 sums leave registers for the codes, a broadcast and the mask.
constexpr size_t kBlockTokens = 12;
constexpr size_t kBlockTiles = 2;
constexpr size_t kBlockPrefetchBytes = 2048;

template <size_t n_tokens>
void block_product(const TernaryProduct& p, const TokenBlock& block, size_t first_tile) {
  const __m512i mask = _mm512_set1_epi8(3);
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  const size_t tile_bytes = p.n_lines * kLineBytes;
  // A single last tile is computed twice and stored once.
  const size_t tile[kBlockTiles] = {first_tile,
                                    first_tile + 1 < n_tiles ? first_tile + 1 : first_tile};
  const uint8_t* bytes[kBlockTiles] = {p.tiles + tile[0] * tile_bytes,
                                       p.tiles + tile[1] * tile_bytes};
  const uint8_t* const last = bytes[0] + tile_bytes;
  // Results of the groups so far; in memory, because the sums take the registers.
  alignas(64) float y[kBlockTiles][n_tokens][kTileRows];
  const int8_t* x = block.x;
  for (size_t g = 0; g < p.n_groups; ++g) {
    __m512i isum[kBlockTiles][n_tokens];
    repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
      repeat<kBlockTiles>([&](auto i) TERN_INLINE_BODY {
        isum[i][t] = _mm512_set1_epi32(block.minus_sums[g * n_tokens + t]);
        pin(isum[i][t]);
      });
    });
    const size_t left = p.n_lines - g * p.group_lines;
    const uint8_t* const end =
        bytes[0] + (left < p.group_lines ? left : p.group_lines) * kLineBytes;
    do {
      // What follows a tile's end is the other tile; the next pair lies one tile further.
      const size_t ahead = static_cast<size_t>(last - bytes[0]) > kBlockPrefetchBytes
                               ? kBlockPrefetchBytes
                               : kBlockPrefetchBytes + tile_bytes;
      repeat<kBlockTiles>([&](auto i) TERN_INLINE_BODY {
        _mm_prefetch(reinterpret_cast<const char*>(bytes[i] + ahead), _MM_HINT_T0);
      });
      repeat<4>([&](auto n) TERN_INLINE_BODY {
        __m512i codes[kBlockTiles];
        repeat<kBlockTiles>([&](auto i) TERN_INLINE_BODY {
          const __m512i line = _mm512_load_si512(bytes[i]);
          codes[i] = _mm512_and_si512(_mm512_srli_epi16(line, 2 * n), mask);
        });
        repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
          const __m512i four = broadcast4(x + (n * n_tokens + t) * 4);
          repeat<kBlockTiles>([&](auto i) TERN_INLINE_BODY {
            isum[i][t] = _mm512_dpbusd_epi32(isum[i][t], codes[i], four);
            pin(isum[i][t]);
          });
        });
      });
      x += kLineK * n_tokens;
      repeat<kBlockTiles>([&](auto i) TERN_INLINE_BODY { bytes[i] += kLineBytes; });
    } while (bytes[0] < end);
    repeat<kBlockTiles>([&](auto i) TERN_INLINE_BODY {
      const __m512 w_scale =
          _mm512_loadu_ps(p.w_scales + tile[i] * p.w_tile_stride + g * p.w_group_stride);
      repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
        const __m512 x_scale = _mm512_set1_ps(block.scales[g * n_tokens + t]);
        const __m512 term =
            _mm512_mul_ps(_mm512_cvtepi32_ps(isum[i][t]), _mm512_mul_ps(w_scale, x_scale));
        const __m512 before = g == 0 ? _mm512_setzero_ps() : _mm512_load_ps(y[i][t]);
        _mm512_store_ps(y[i][t], _mm512_add_ps(before, term));
      });
    });
  }
  for (size_t i = 0; i < kBlockTiles && first_tile + i < n_tiles; ++i) {
    const size_t row = tile[i] * kTileRows;
    for (size_t t = 0; t < n_tokens; ++t) {
      store_rows(p.y + (block.token + t) * p.y_stride + row, _mm512_load_ps(y[i][t]),
                 p.n_rows - row);
    }
  }
}

// Blocks have 6 tokens at least: fewer are streamed, and more than 12 make blocks of 7 to 12.
constexpr size_t kFewTokens = 5;
constexpr void (*kBlocks[])(const TernaryProduct& p, const TokenBlock& block, size_t first_tile) = {
    block_product<6>,  block_product<7>,  block_product<8>,  block_product<9>,
    block_product<10>, block_product<11>, block_product<12>,
};

}  // namespace

void ternary_gemv_t2(const TernaryProduct& p) noexcept { stream_tiles<1, 2>(p); }

void ternary_gemm_t2(const TernaryProduct& p) noexcept {
  switch (p.n_tokens) {
    case 1:
      return stream_tiles<1, 2>(p);
    case 2:
      return stream_tiles<2, 1>(p);
    case 3:
      return stream_tiles<3, 1>(p);
    case 4:
      return stream_tiles<4, 1>(p);
    case 5:
      return stream_tiles<5, 1>(p);
    default:
      for_packed_blocks<kBlockTokens>(p, [&](const TokenBlock* blocks, size_t n_blocks) {
        for (size_t row = 0; row < p.n_rows; row += kBlockTiles * kTileRows) {
          for (size_t i = 0; i < n_blocks; ++i) {
            kBlocks[blocks[i].n_tokens - (kFewTokens + 1)](p, blocks[i], row / kTileRows);
          }
        }
      });
  }
}

}  // namespace tern::kernels::avx512vnni
