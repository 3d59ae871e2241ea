// Ternary products of one token and of few by one tile after the other: one stream from memory,
// unpacked in registers. Codes are left where they lie in the byte, or in its nibble, at 1x, 4x,
// 16x, 64x, with sums of their own for each place, which are shifted at the end: that saves shifts
// and gives more independent chains of sums. Included before x86_sum_steps.h, with the
// definitions listed there and in code_loop.h and, beside them:
//
//   constexpr size_t kStreamTokens   tokens at a time, a power of two
//   constexpr size_t kStreamFields   places with sums of their own: 2 of a nibble or all 4
//   constexpr size_t kStreamLines    lines after which sums have to be widened; a line adds
//                                    4 / kStreamFields products to each
//   V bytes_of(uint8_t v), V and_bits(V a, V b), V nibbles(V v)
//                                    the last moves the upper nibble of each byte down; what it
//                                    brings into the upper bits does not matter
//   V widen_fields(const V (&at)[kStreamFields])
//                                    the sum of at[f] / 4^f in int32 lanes, one a row

namespace {

constexpr size_t kRegisterRows = sizeof(V) / 4;
constexpr size_t kTileRegisters = kTileRows / kRegisterRows;
// As far ahead as one core has lines on the way.
constexpr size_t kStreamPrefetchBytes = 4096;

template <size_t n_tokens>
void stream_tile(const TernaryProduct& p, size_t tile, size_t token) {
  const uint8_t* bytes = p.tiles + tile * p.n_lines * kLineBytes;
  const int8_t* x = p.x + token * p.x_stride;
  alignas(64) float y[n_tokens][kTileRows] = {};
  for (size_t g = 0; g < p.n_groups; ++g) {
    const size_t left = p.n_lines - g * p.group_lines;
    const uint8_t* const end = bytes + (left < p.group_lines ? left : p.group_lines) * kLineBytes;
    V isum[n_tokens][kTileRegisters];
    repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
      const V minus_sum = broadcast_i32(-p.x_sums[(token + t) * p.n_groups + g]);
      repeat<kTileRegisters>([&](auto r) TERN_INLINE_BODY { isum[t][r] = minus_sum; });
    });
    while (bytes < end) {
      const size_t most = kStreamLines * kLineBytes;
      const uint8_t* const flush = static_cast<size_t>(end - bytes) < most ? end : bytes + most;
      V sum[n_tokens][kTileRegisters][kStreamFields];
      repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
        repeat<kTileRegisters>([&](auto r) TERN_INLINE_BODY {
          repeat<kStreamFields>([&](auto f) TERN_INLINE_BODY { sum[t][r][f] = zero_sums(); });
        });
      });
      do {
        _mm_prefetch(reinterpret_cast<const char*>(bytes + kStreamPrefetchBytes), _MM_HINT_T0);
        repeat<4 / kStreamFields>([&](auto part) TERN_INLINE_BODY {
          V codes[kTileRegisters];
          repeat<kTileRegisters>([&](auto r) TERN_INLINE_BODY {
            const V line = load(bytes + r * sizeof(V));
            codes[r] = part == 0 ? line : nibbles(line);
          });
          repeat<kStreamFields>([&](auto f) TERN_INLINE_BODY {
            const V mask = bytes_of(static_cast<uint8_t>(3 << 2 * f));
            repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
              const V four = broadcast4(x + t * p.x_stride + 4 * (kStreamFields * part + f));
              repeat<kTileRegisters>([&](auto r) TERN_INLINE_BODY {
                add_products(sum[t][r][f], and_bits(codes[r], mask), four);
              });
            });
          });
        });
        bytes += kLineBytes;
        x += kLineK;
      } while (bytes < flush);
      repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
        repeat<kTileRegisters>([&](auto r) TERN_INLINE_BODY {
          isum[t][r] = add_i32(isum[t][r], widen_fields(sum[t][r]));
        });
      });
    }
    const float* w_scales = p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride;
    repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
      const float x_scale = p.x_scales[(token + t) * p.n_groups + g];
      repeat<kTileRegisters>([&](auto r) TERN_INLINE_BODY {
        add_scaled(y[t] + r * kRegisterRows, isum[t][r], w_scales + r * kRegisterRows, x_scale);
      });
    });
  }
  const size_t row = tile * kTileRows;
  const size_t rows = p.n_rows - row < kTileRows ? p.n_rows - row : kTileRows;
  for (size_t t = 0; t < n_tokens; ++t) {
    memcpy(p.y + (token + t) * p.y_stride + row, y[t], rows * sizeof(float));
  }
}

// Tokens [token, n_tokens) in pieces of n_block, then of half as many, down to one.
template <size_t n_block>
inline void stream_tokens(const TernaryProduct& p, size_t tile, size_t token) {
  for (; token + n_block <= p.n_tokens; token += n_block) stream_tile<n_block>(p, tile, token);
  if constexpr (n_block > 1) stream_tokens<n_block / 2>(p, tile, token);
}

// A tile comes from memory once, and from the caches for the tokens after the first kStreamTokens.
inline void stream_product(const TernaryProduct& p) {
  for (size_t tile = 0; tile * kTileRows < p.n_rows; ++tile) {
    stream_tokens<kStreamTokens>(p, tile, 0);
  }
}

}  // namespace
