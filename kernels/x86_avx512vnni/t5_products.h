// Products over T5 tiles with vpdpbusd, shared by the AVX-512 sets, which differ in how they unpack
// a line. Included inside the namespace of each set, which defines before it, in an unnamed
// namespace:
//
//   constexpr int kDigitShift[kT5LineDigits]
//   void unpack(__m512i line, __m512i (&codes)[kT5LineDigits])
//     digits 0..4 of a line; those of digit n are shifted left by kDigitShift[n] bits
//
// REQUIRES <immintrin.h>, <string.h>, repeat.h, token_blocks.h.

namespace {

// Keeps a sum in its register: without it GCC 12 moves and spills sums around the loop.
inline void pin(__m512i& sum) { __asm__("" : "+v"(sum)); }

inline __m512i broadcast4(const int8_t* x) {
  int32_t four;
  memcpy(&four, x, sizeof(four));
  return _mm512_set1_epi32(four);
}

inline void store_rows(float* out, __m512 y, size_t rows) {
  const __mmask16 mask = rows >= kTileRows ? static_cast<__mmask16>(0xffff)
                                           : static_cast<__mmask16>((1u << rows) - 1u);
  _mm512_mask_storeu_ps(out, mask, y);
}

// One tile against one token: one stream from memory, prefetched as far ahead as one core has lines
// on the way.
constexpr size_t kStreamPrefetchBytes = 4096;

// Codes stay where unpack() leaves them, 64x at most, and their sums are shifted at the end. The
// largest sum is 128 * 128 for each of k / 5 elements.
static_assert(kMaxK / 5 * 16384ULL + 20 * 16384ULL <= 0x7fffffffULL);
using DigitSums = __m512i[kT5LineDigits];

inline void clear(DigitSums& sums) {
  repeat<kT5LineDigits>([&](auto n) TERN_INLINE_BODY { sums[n] = _mm512_setzero_si512(); });
}

// One line: its first `split` digits are added to sums, the rest to next.
template <size_t split>
inline void add_line(DigitSums& sums, DigitSums& next, const uint8_t* bytes, const int8_t* x) {
  _mm_prefetch(reinterpret_cast<const char*>(bytes + kStreamPrefetchBytes), _MM_HINT_T0);
  __m512i codes[kT5LineDigits];
  unpack(_mm512_load_si512(bytes), codes);
  repeat<kT5LineDigits>([&](auto n) TERN_INLINE_BODY {
    __m512i& sum = n < split ? sums[n] : next[n];
    sum = _mm512_dpbusd_epi32(sum, codes[n], broadcast4(x + 4 * n));
    pin(sum);
  });
}

inline void add_line(DigitSums& sums, const uint8_t* bytes, const int8_t* x) {
  add_line<kT5LineDigits>(sums, sums, bytes, x);
}

inline void add_split_line(DigitSums& sums, DigitSums& next, const uint8_t* bytes, const int8_t* x,
                           size_t split) {
  switch (split) {
    case 1:
      return add_line<1>(sums, next, bytes, x);
    case 2:
      return add_line<2>(sums, next, bytes, x);
    case 3:
      return add_line<3>(sums, next, bytes, x);
    default:
      return add_line<4>(sums, next, bytes, x);
  }
}

inline __m512i total(const DigitSums& sums) {
  __m512i sum = sums[0];
  repeat<kT5LineDigits - 1>([&](auto n) TERN_INLINE_BODY {
    sum = _mm512_add_epi32(sum, _mm512_srai_epi32(sums[n + 1], kDigitShift[n + 1]));
  });
  return sum;
}

// Two tiles against a block of tokens share each broadcast. The codes of a line go through the L1
// cache, so that a group may end after any digit, and the sums have the registers: 24, 2 of codes,
// 1 broadcast.
constexpr size_t kBlockTokens = 12;
constexpr size_t kBlockTiles = 2;
constexpr size_t kBlockPrefetchBytes = 2048;

template <size_t n_tokens>
void block_product(const TernaryProduct& p, const TokenBlock& block, size_t first_tile) {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  const size_t tile_bytes = t5_tile_lines(p.n_lines) * kLineBytes;
  // A single last tile is computed twice and stored once.
  const size_t tile[kBlockTiles] = {first_tile,
                                    first_tile + 1 < n_tiles ? first_tile + 1 : first_tile};
  const uint8_t* bytes[kBlockTiles] = {p.tiles + tile[0] * tile_bytes,
                                       p.tiles + tile[1] * tile_bytes};
  alignas(64) uint8_t codes[kT5LineDigits][kBlockTiles][kLineBytes];
  alignas(64) float y[kBlockTiles][n_tokens][kTileRows];
  const int8_t* x = block.x;
  size_t digit = kT5LineDigits;  // the next one of the unpacked line
  for (size_t g = 0; g < p.n_groups; ++g) {
    __m512i isum[kBlockTiles][n_tokens];
    repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
      repeat<kBlockTiles>([&](auto i) TERN_INLINE_BODY {
        isum[i][t] = _mm512_set1_epi32(block.minus_sums[g * n_tokens + t]);
        pin(isum[i][t]);
      });
    });
    const size_t lines_left = p.n_lines - g * p.group_lines;
    size_t left = 4 * (lines_left < p.group_lines ? lines_left : p.group_lines);
    while (left > 0) {
      if (digit == kT5LineDigits) {
        digit = 0;
        repeat<kBlockTiles>([&](auto i) TERN_INLINE_BODY {
          _mm_prefetch(reinterpret_cast<const char*>(bytes[i] + kBlockPrefetchBytes), _MM_HINT_T0);
          __m512i unpacked[kT5LineDigits];
          unpack(_mm512_load_si512(bytes[i]), unpacked);
          repeat<kT5LineDigits>([&](auto n) TERN_INLINE_BODY {
            _mm512_store_si512(codes[n][i], _mm512_srli_epi16(unpacked[n], kDigitShift[n]));
          });
          bytes[i] += kLineBytes;
        });
      }
      const size_t end = left < kT5LineDigits - digit ? digit + left : kT5LineDigits;
      left -= end - digit;
      for (; digit < end; ++digit) {
        __m512i four_codes[kBlockTiles];
        repeat<kBlockTiles>(
            [&](auto i) TERN_INLINE_BODY { four_codes[i] = _mm512_load_si512(codes[digit][i]); });
        repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
          const __m512i four = broadcast4(x + 4 * t);
          repeat<kBlockTiles>([&](auto i) TERN_INLINE_BODY {
            isum[i][t] = _mm512_dpbusd_epi32(isum[i][t], four_codes[i], four);
            pin(isum[i][t]);
          });
        });
        x += 4 * n_tokens;
      }
    }
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

constexpr void (*kBlocks[])(const TernaryProduct& p, const TokenBlock& block, size_t first_tile) = {
    block_product<1>, block_product<2>,  block_product<3>,  block_product<4>,
    block_product<5>, block_product<6>,  block_product<7>,  block_product<8>,
    block_product<9>, block_product<10>, block_product<11>, block_product<12>,
};

}  // namespace

void ternary_gemv_t5(const TernaryProduct& p) noexcept {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  const size_t n_lines = t5_tile_lines(p.n_lines);
  const size_t n_fours = 4 * p.n_lines;
  // The last line, where k does not fill it: x may end with k.
  const size_t last_fours = n_fours % kT5LineDigits;
  alignas(64) int8_t last_x[64];
  if (last_fours != 0) {
    const auto mask = static_cast<__mmask16>((1u << last_fours) - 1u);
    _mm512_store_si512(last_x, _mm512_maskz_loadu_epi32(mask, p.x + (n_lines - 1) * kT5LineK));
  }
  for (size_t tile = 0; tile < n_tiles; ++tile) {
    const uint8_t* lines = p.tiles + tile * n_lines * kLineBytes;
    __m512 y = _mm512_setzero_ps();
    size_t line = 0;
    // Two sets of sums take turns: five chains would wait for vpdpbusd.
    DigitSums sums;
    DigitSums others;
    clear(sums);
    for (size_t g = 0; g < p.n_groups; ++g) {
      const size_t left = n_fours - 4 * g * p.group_lines;
      const size_t end = n_fours - left + (left < 4 * p.group_lines ? left : 4 * p.group_lines);
      const size_t last = end / kT5LineDigits;
      clear(others);
      for (; line + 2 <= last; line += 2) {
        add_line(sums, lines + line * kLineBytes, p.x + line * kT5LineK);
        add_line(others, lines + (line + 1) * kLineBytes, p.x + (line + 1) * kT5LineK);
      }
      if (line < last) {
        add_line(sums, lines + line * kLineBytes, p.x + line * kT5LineK);
        ++line;
      }
      repeat<kT5LineDigits>(
          [&](auto n) TERN_INLINE_BODY { others[n] = _mm512_add_epi32(sums[n], others[n]); });
      // The line in which the group ends holds the beginning of the next one too, unless this group
      // began in it and its digits have been added already.
      clear(sums);
      if (line == last && end % kT5LineDigits != 0) {
        const bool is_last = last_fours != 0 && line + 1 == n_lines;
        add_split_line(others, sums, lines + line * kLineBytes,
                       is_last ? last_x : p.x + line * kT5LineK, end % kT5LineDigits);
        ++line;
      }
      const __m512i exact = _mm512_sub_epi32(total(others), _mm512_set1_epi32(p.x_sums[g]));
      const __m512 scale =
          _mm512_mul_ps(_mm512_loadu_ps(p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride),
                        _mm512_set1_ps(p.x_scales[g]));
      y = _mm512_add_ps(y, _mm512_mul_ps(_mm512_cvtepi32_ps(exact), scale));
    }
    store_rows(p.y + tile * kTileRows, y, p.n_rows - tile * kTileRows);
  }
}

void ternary_gemm_t5(const TernaryProduct& p) noexcept {
  if (p.n_tokens == 1) return ternary_gemv_t5(p);
  for_packed_blocks<kBlockTokens>(p, [&](const TokenBlock* blocks, size_t n_blocks) {
    for (size_t row = 0; row < p.n_rows; row += kBlockTiles * kTileRows) {
      for (size_t i = 0; i < n_blocks; ++i) {
        kBlocks[blocks[i].n_tokens - 1](p, blocks[i], row / kTileRows);
      }
    }
  });
}
