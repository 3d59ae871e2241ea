// Ternary products of many tokens by way of unpacked codes, for the x86 sets that cannot unpack in
// registers without losing multiply-adds: with 16 registers there is no room for it beside the
// sums, and vpmaddubsw shares its units with shifts and masks. The codes of some lines are written
// to a buffer in the L1 cache once for all packed tokens; the inner loop then only loads,
// broadcasts and multiplies. The including file defines, in an unnamed namespace of its own ISA
// namespace, before it:
//
//   using V                            a register of codes, of four activations, of sums
//   constexpr size_t kLoopTiles        tiles of two registers: 1 of 32 bytes each, 2 of 64
//   constexpr size_t kLoopTokens       2 * kLoopTokens registers of sums are kept
//   constexpr size_t kLoopFewest       tokens of the smallest block that for_packed_blocks() makes
//                                      of the products that come here
//   constexpr size_t kLoopLines        lines after which sums have to be widened
//   V load(const void* p), void store(void* p, V v), both aligned
//   V broadcast4(const int8_t* x), V broadcast_i32(int32_t v), V add_i32(V a, V b), V zero_sums()
//   void unpack_line(const uint8_t* line, uint8_t* codes, size_t stride)
//                                      writes the four steps of a line to codes[n * stride]
//   void add_products(V& sum, V codes, V four)
//   V widen(V sum)                     to int32 lanes, one a row
//   void add_scaled(float* y, V isum, const float* w_scales, float x_scale)
//                                      y[r] = y[r] + float(isum[r]) * (w_scales[r] * x_scale) for
//                                      the rows of a register
//
// REQUIRES <string.h>, kernel_table.h, repeat.h, x86_token_blocks.h and x86_stream_tiles.h.

namespace {

constexpr size_t kStepBytes = 2 * sizeof(V);  // codes of two registers, four elements along k
static_assert(kLoopTiles * kTileRegisters == 2);
constexpr size_t kLoopPrefetchBytes = 4096;

// A run of steps of four elements along k within a group, and what surrounds them.
struct Steps {
  const uint8_t* codes;  // [n_steps][2 registers]
  size_t n_steps;        // > 0
  bool first, last;      // of the group
  // Per register, the last steps only.
  const float* w_scales[2];
};

// Of the packed tokens, in the order of the blocks.
struct LoopSums {
  alignas(64) int32_t isum[kScratchTokens][2][kRegisterRows];
  alignas(64) float y[kScratchTokens][2][kRegisterRows];
};

// Two registers of codes against x [n_steps, n_tokens, 4]. Not inlined, and the results leave
// through memory: GCC 12 keeps sums in registers only while nothing else is near.
template <size_t n_tokens>
[[gnu::noinline]] void sum_steps(const uint8_t* codes, size_t n_steps, const int8_t* x,
                                 V (*out)[2]) {
  V sum[n_tokens][2];
  repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
    sum[t][0] = zero_sums();
    sum[t][1] = zero_sums();
  });
  do {
    const V low = load(codes);
    const V high = load(codes + sizeof(V));
    repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
      const V four = broadcast4(x + 4 * t);
      add_products(sum[t][0], low, four);
      add_products(sum[t][1], high, four);
    });
    codes += kStepBytes;
    x += 4 * n_tokens;
  } while (--n_steps > 0);
  repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
    out[t][0] = sum[t][0];
    out[t][1] = sum[t][1];
  });
}

// One block of tokens: minus_sums and scales [n_tokens]; token: index into sums of its first.
template <size_t n_tokens>
void run_steps(const Steps& steps, const int8_t* x, const int32_t* minus_sums, const float* scales,
               LoopSums& sums, size_t token) {
  V sum[n_tokens][2];
  sum_steps<n_tokens>(steps.codes, steps.n_steps, x, sum);
  for (size_t t = 0; t < n_tokens; ++t) {
    for (size_t i = 0; i < 2; ++i) {
      int32_t* const isum = sums.isum[token + t][i];
      const V before = steps.first ? broadcast_i32(minus_sums[t]) : load(isum);
      const V total = add_i32(before, widen(sum[t][i]));
      if (steps.last) {
        add_scaled(sums.y[token + t][i], total, steps.w_scales[i], scales[t]);
      } else {
        store(isum, total);
      }
    }
  }
}

using RunStepsFn = void (*)(const Steps& steps, const int8_t* x, const int32_t* minus_sums,
                            const float* scales, LoopSums& sums, size_t token);
// The functions for kLoopFewest, kLoopFewest + 1, ..., kLoopTokens tokens.
template <size_t... n>
struct RunSteps {
  static constexpr RunStepsFn of[] = {run_steps<n>...};
};

inline void unpack_lines(const TernaryProduct& p, const size_t (&tile)[kLoopTiles], size_t begin,
                         size_t end, uint8_t* codes) {
  for (size_t line = begin; line < end; ++line) {
    for (size_t i = 0; i < kLoopTiles; ++i) {
      const uint8_t* bytes = p.tiles + (tile[i] * p.n_lines + line) * kLineBytes;
      _mm_prefetch(reinterpret_cast<const char*>(bytes + kLoopPrefetchBytes), _MM_HINT_T0);
      unpack_line(bytes, codes + (line - begin) * 4 * kStepBytes + i * kLineBytes, kStepBytes);
    }
  }
}

inline void loop_tiles(const TernaryProduct& p, const TokenBlock* blocks, size_t n_blocks,
                       size_t first_tile, const RunStepsFn* run_steps_of, LoopSums& sums,
                       uint8_t* codes) {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  size_t tile[kLoopTiles];
  // A single last tile is computed twice and stored once.
  for (size_t i = 0; i < kLoopTiles; ++i) {
    tile[i] = first_tile + i < n_tiles ? first_tile + i : first_tile;
  }
  memset(sums.y, 0, sizeof(sums.y));
  for (size_t g = 0; g < p.n_groups; ++g) {
    const size_t begin = g * p.group_lines;
    const size_t end = p.n_lines - begin < p.group_lines ? p.n_lines : begin + p.group_lines;
    Steps steps = {};
    steps.codes = codes;
    for (size_t i = 0; i < 2; ++i) {
      steps.w_scales[i] = p.w_scales + tile[i / kTileRegisters] * p.w_tile_stride +
                          g * p.w_group_stride + i % kTileRegisters * kRegisterRows;
    }
    for (size_t from = begin; from < end; from += kLoopLines) {
      const size_t to = end - from < kLoopLines ? end : from + kLoopLines;
      unpack_lines(p, tile, from, to, codes);
      steps.n_steps = 4 * (to - from);
      steps.first = from == begin;
      steps.last = to == end;
      size_t token = 0;
      for (size_t b = 0; b < n_blocks; ++b) {
        const TokenBlock& block = blocks[b];
        run_steps_of[block.n_tokens - kLoopFewest](steps, block.x + from * kLineK * block.n_tokens,
                                                   block.minus_sums + g * block.n_tokens,
                                                   block.scales + g * block.n_tokens, sums, token);
        token += block.n_tokens;
      }
    }
  }
  size_t first = 0;
  const size_t row = first_tile * kTileRows;
  const size_t rows = p.n_rows - row < 2 * kRegisterRows ? p.n_rows - row : 2 * kRegisterRows;
  for (size_t b = 0; b < n_blocks; first += blocks[b].n_tokens, ++b) {
    for (size_t t = 0; t < blocks[b].n_tokens; ++t) {
      memcpy(p.y + (blocks[b].token + t) * p.y_stride + row, sums.y[first + t],
             rows * sizeof(float));
    }
  }
}

// The product of all tokens. run_steps_of: see RunSteps.
inline void loop_product(const TernaryProduct& p, const RunStepsFn* run_steps_of) {
  alignas(64) uint8_t codes[kLoopLines * 4 * kStepBytes];
  LoopSums sums;
  for_packed_blocks<kLoopTokens>(p, [&](const TokenBlock* blocks, size_t n_blocks) {
    for (size_t row = 0; row < p.n_rows; row += kLoopTiles * kTileRows) {
      loop_tiles(p, blocks, n_blocks, row / kTileRows, run_steps_of, sums, codes);
    }
  });
}

}  // namespace
