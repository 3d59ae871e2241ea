// The loops around a product over T5 tiles, for sets that unpack lines slowly (AVX2, NEON). Codes
// are unpacked once for up to kT5Tokens tokens, into a buffer that stays in the L1 cache; there
// four elements along k of 16 rows are 64 bytes in the order of a line, whatever digit of whatever
// line they came from, so a group may begin in the middle of a line. The including file defines, in
// an unnamed namespace of its own ISA namespace, before it:
//
//   constexpr size_t kT5Block    tokens whose sums are kept in registers at a time
//   void unpack_line(const uint8_t* line, uint8_t* codes)
//     writes the five digits of a line as codes [5][64]
//   template <size_t n_block>
//   void dot_fours(const uint8_t* codes, size_t n_fours, const int8_t* x, size_t x_stride,
//                  int32_t* sums)
//     adds to sums [n_block][16] the products of codes [n_fours][64] and x [n_block][x_stride]
//   void add_group(float* y, const int32_t* sums, int32_t x_sum, float x_scale,
//                  const float* w_scales)
//     y[r] = y[r] + float(sums[r] - x_sum) * (w_scales[r] * x_scale) for 16 rows
//
// REQUIRES kernel_table.h and <string.h>.

namespace {

// The codes of a tile wait for their tokens in 10 KiB, sums and results of all tokens take 6: they
// fit an L1 cache of 32 KiB with what is read of x.
constexpr size_t kT5BufferLines = 32;
constexpr size_t kT5Tokens = 48;

struct T5Sums {
  alignas(64) int32_t isum[kT5Tokens][kTileRows];
  alignas(64) float y[kT5Tokens][kTileRows];
};

// n tokens: blocks of n_block, then of half as many, down to one.
template <size_t n_block>
inline void dot_tokens(const uint8_t* codes, size_t n_fours, const int8_t* x, size_t x_stride,
                       size_t n, int32_t (*sums)[kTileRows]) {
  size_t t = 0;
  for (; t + n_block <= n; t += n_block) {
    dot_fours<n_block>(codes, n_fours, x + t * x_stride, x_stride, sums[t]);
  }
  if constexpr (n_block > 1) {
    if (t < n) {
      dot_tokens<n_block / 2>(codes, n_fours, x + t * x_stride, x_stride, n - t, sums + t);
    }
  }
}

// One tile times tokens [token, token + n). codes: the buffer.
inline void t5_tile(const TernaryProduct& p, size_t tile, size_t token, size_t n, uint8_t* codes,
                    T5Sums& sums) {
  const uint8_t* lines = p.tiles + tile * t5_tile_lines(p.n_lines) * kLineBytes;
  memset(sums.isum, 0, n * sizeof(sums.isum[0]));
  memset(sums.y, 0, n * sizeof(sums.y[0]));
  for (size_t g = 0; g < p.n_groups; ++g) {
    const size_t begin = 4 * g * p.group_lines;
    const size_t left = 4 * p.n_lines - begin;
    const size_t end = left < 4 * p.group_lines ? begin + left : begin + 4 * p.group_lines;
    for (size_t from = begin; from < end;) {
      const size_t first = from / kT5LineDigits;
      const size_t most = (first + kT5BufferLines) * kT5LineDigits;
      const size_t to = end < most ? end : most;
      const size_t last = (to + kT5LineDigits - 1) / kT5LineDigits;
      for (size_t line = first; line < last; ++line) {
        unpack_line(lines + line * kLineBytes, codes + (line - first) * kT5LineDigits * kLineBytes);
      }
      dot_tokens<kT5Block>(codes + (from - first * kT5LineDigits) * kLineBytes, to - from,
                           p.x + token * p.x_stride + 4 * from, p.x_stride, n, sums.isum);
      from = to;
    }
    const float* w_scales = p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride;
    for (size_t t = 0; t < n; ++t) {
      const size_t at = (token + t) * p.n_groups + g;
      add_group(sums.y[t], sums.isum[t], p.x_sums[at], p.x_scales[at], w_scales);
    }
    if (g + 1 < p.n_groups) memset(sums.isum, 0, n * sizeof(sums.isum[0]));
  }
  const size_t row = tile * kTileRows;
  const size_t rows = p.n_rows - row < kTileRows ? p.n_rows - row : kTileRows;
  for (size_t t = 0; t < n; ++t) {
    memcpy(p.y + (token + t) * p.y_stride + row, sums.y[t], rows * sizeof(float));
  }
}

}  // namespace

void ternary_product_t5(const TernaryProduct& p) noexcept {
  alignas(64) uint8_t codes[kT5BufferLines * kT5LineDigits * kLineBytes];
  T5Sums sums;
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  // Tokens outside, tiles inside: the weights of a worker's share stay in its caches, and unpacking
  // them again costs one part in kT5Tokens.
  for (size_t token = 0; token < p.n_tokens; token += kT5Tokens) {
    const size_t n = p.n_tokens - token < kT5Tokens ? p.n_tokens - token : kT5Tokens;
    for (size_t tile = 0; tile < n_tiles; ++tile) t5_tile(p, tile, token, n, codes, sums);
  }
}
