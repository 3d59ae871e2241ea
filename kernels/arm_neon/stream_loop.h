// Ternary products of one token, or two, by one T2 tile after the other: one stream from memory,
// unpacked in registers. The including file defines, in an unnamed namespace of its own ISA
// namespace, before it, what sum_register.h has and
//
//   constexpr size_t kStreamLines      lines after which sums have to be widened
//   template <size_t n_tokens> struct StreamSums
//   void clear(StreamSums<n_tokens>& sums)
//   void add_line(StreamSums<n_tokens>& sums, const uint8_t* line, const int8_t* x,
//                 size_t x_stride)     adds the products of the codes of a line and x
//   V total(const StreamSums<n_tokens>& sums, size_t t, size_t q)
//                                      of token t and rows 4q to 4q + 3
//
// REQUIRES kernel_table.h, repeat.h and <string.h>.

namespace {

// Some 30 lines on the way: 2 KiB reach 20 GB/s at a latency of 100 ns.
constexpr size_t kStreamPrefetchBytes = 2048;

template <size_t n_tokens>
void stream_tile(const TernaryProduct& p, size_t tile) {
  const uint8_t* bytes = p.tiles + tile * p.n_lines * kLineBytes;
  const int8_t* x = p.x;
  float y[n_tokens][kTileRows] = {};
  for (size_t g = 0; g < p.n_groups; ++g) {
    const size_t left = p.n_lines - g * p.group_lines;
    const uint8_t* const end = bytes + (left < p.group_lines ? left : p.group_lines) * kLineBytes;
    V isum[n_tokens][4];
    repeat<n_tokens * 4>([&](auto i) TERN_INLINE_BODY {
      isum[i / 4][i % 4] = vdupq_n_s32(-p.x_sums[i / 4 * p.n_groups + g]);
    });
    while (bytes < end) {
      const size_t most = kStreamLines * kLineBytes;
      const uint8_t* const flush = static_cast<size_t>(end - bytes) < most ? end : bytes + most;
      StreamSums<n_tokens> sums;
      clear(sums);
      do {
        __builtin_prefetch(bytes + kStreamPrefetchBytes);
        add_line(sums, bytes, x, p.x_stride);
        bytes += kLineBytes;
        x += kLineK;
      } while (bytes < flush);
      repeat<n_tokens * 4>([&](auto i) TERN_INLINE_BODY {
        isum[i / 4][i % 4] = vaddq_s32(isum[i / 4][i % 4], total(sums, i / 4, i % 4));
      });
    }
    const float* w_scales = p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride;
    repeat<n_tokens * 4>([&](auto i) TERN_INLINE_BODY {
      constexpr size_t t = i / 4;
      constexpr size_t q = i % 4;
      add_scaled(y[t] + 4 * q, isum[t][q], w_scales + 4 * q, p.x_scales[t * p.n_groups + g]);
    });
  }
  const size_t row = tile * kTileRows;
  const size_t rows = p.n_rows - row < kTileRows ? p.n_rows - row : kTileRows;
  for (size_t t = 0; t < n_tokens; ++t)
    memcpy(p.y + t * p.y_stride + row, y[t], rows * sizeof(y[0][0]));
}

template <size_t n_tokens>
inline void stream_product(const TernaryProduct& p) {
  for (size_t tile = 0; tile * kTileRows < p.n_rows; ++tile) stream_tile<n_tokens>(p, tile);
}

}  // namespace
