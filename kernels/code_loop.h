// Ternary products of many tokens by way of unpacked codes, for the sets that cannot unpack in
// registers without losing multiply-adds: there is no room for it beside the sums, or the
// multiply-adds share their units with shifts and masks. The codes of some lines are written to a
// buffer in the L1 cache once for all packed tokens; the inner loop then only loads, broadcasts and
// multiplies. A step is four elements along k of all rows of the tiles, in the order of a T2 line,
// whatever line it comes from. The including file defines, in an unnamed namespace of its own ISA
// namespace, before it:
//
//   using V                            a register of int32 sums
//   constexpr size_t kLoopRegisters    of sums a token: those of one tile or of two side by side
//   constexpr size_t kLoopTokens       of a block, so that its sums stay in registers
//   constexpr size_t kLoopLines        T2 lines after which sums have to be widened
//   V load(const void* p), void store(void* p, V v), both aligned
//   V add_i32(V a, V b)
//   V start_sum(int32_t minus_sum)     the sum before the first product of a group
//   void add_scaled(float* y, V isum, const float* w_scales, float x_scale)
//                                      y[r] = y[r] + float(isum[r]) * (w_scales[r] * x_scale) for
//                                      the rows of a register
//   template <size_t n_tokens>
//   void sum_steps(const uint8_t* codes, size_t n_steps, const int8_t* x, V (*out)[kLoopRegisters])
//     out[t][r] = products of codes [n_steps][64 bytes a tile] and x [n_steps, n_tokens, 4] for
//     token t and the rows of register r; n_steps > 0. Not to be inlined: GCC 12 keeps sums in
//     registers only while nothing else is near.
//
// REQUIRES kernel_table.h, token_blocks.h and <string.h>.

namespace {

constexpr size_t kLoopTiles = kLoopRegisters * sizeof(V) / kLineBytes;
constexpr size_t kRowsOfRegister = sizeof(V) / sizeof(int32_t);
constexpr size_t kLoopRows = kLoopTiles * kTileRows;
constexpr size_t kStepBytes = kLoopTiles * kLineBytes;
constexpr size_t kStepsOfLine = kLineK / 4;
constexpr size_t kLoopSteps = kLoopLines * kStepsOfLine;
constexpr size_t kLoopPrefetchBytes = 4096;
static_assert(kLoopTiles * kLineBytes == kLoopRegisters * sizeof(V) && kLoopSteps % 2 == 0);

// A run of steps within a group, and what surrounds them.
struct Steps {
  const uint8_t* codes;  // [n_steps][kStepBytes]
  size_t n_steps;        // > 0
  bool first, last;      // of the group
  const float* w_scales[kLoopTiles];
};

// Of the packed tokens, in the order of the blocks.
struct LoopSums {
  alignas(64) int32_t isum[kScratchTokens][kLoopRows];
  alignas(64) float y[kScratchTokens][kLoopRows];
};

// One block of tokens: minus_sums and scales [n_tokens]; token: index into sums of its first.
template <size_t n_tokens>
void run_steps(const Steps& steps, const int8_t* x, const int32_t* minus_sums, const float* scales,
               LoopSums& sums, size_t token) {
  V sum[n_tokens][kLoopRegisters];
  sum_steps<n_tokens>(steps.codes, steps.n_steps, x, sum);
  for (size_t t = 0; t < n_tokens; ++t) {
    for (size_t i = 0; i < kLoopRegisters; ++i) {
      const size_t row = i * kRowsOfRegister;
      int32_t* const isum = sums.isum[token + t] + row;
      const V before = steps.first ? start_sum(minus_sums[t]) : load(isum);
      const V total = add_i32(before, sum[t][i]);
      if (steps.last) {
        add_scaled(sums.y[token + t] + row, total,
                   steps.w_scales[row / kTileRows] + row % kTileRows, scales[t]);
      } else {
        store(isum, total);
      }
    }
  }
}

using RunStepsFn = void (*)(const Steps& steps, const int8_t* x, const int32_t* minus_sums,
                            const float* scales, LoopSums& sums, size_t token);
// The functions for `fewest`, ... tokens, all that for_packed_blocks() makes of the products that
// come here.
template <size_t fewest, size_t... more>
struct RunSteps {
  static constexpr RunStepsFn of[] = {run_steps<fewest>, run_steps<more>...};
  static constexpr size_t kFewest = fewest;
};

// Writes the four steps of a T2 line, or the five of a T5 line, to codes[n * stride].
using UnpackLineFn = void (*)(const uint8_t* line, uint8_t* codes, size_t stride);
// A sum_steps() may take steps by two, in an order of its own, and x as [n_steps / 2, n_tokens, 8].
// T2 lines are unpacked into that order; digits of T5 form pairs across lines, and this rearranges
// them afterwards.
using PairStepsFn = void (*)(uint8_t* codes, size_t n_pairs);

// Tiles side by side.
struct LoopTiles {
  const uint8_t* lines[kLoopTiles];
  // Lines [first_line, end_line) to codes.
  template <size_t kLineSteps, UnpackLineFn unpack_line>
  void unpack(size_t first_line, size_t end_line, uint8_t* codes) const {
    for (size_t line = first_line; line < end_line; ++line) {
      for (size_t i = 0; i < kLoopTiles; ++i) {
        const uint8_t* bytes = lines[i] + line * kLineBytes;
        __builtin_prefetch(bytes + kLoopPrefetchBytes);
        unpack_line(bytes, codes + (line - first_line) * kLineSteps * kStepBytes + i * kLineBytes,
                    kStepBytes);
      }
    }
  }
};

// How the steps of a layout get into the buffer.
template <UnpackLineFn unpack_line, bool pairs = false>
struct LoopT2 {
  static constexpr bool kPairs = pairs;
  static size_t tile_lines(size_t n_lines) { return n_lines; }
  static size_t run_end(size_t from, size_t end) {
    return end - from < kLoopSteps ? end : from + kLoopSteps;
  }
  // Returns where step `from` is. from and end are a run's.
  static const uint8_t* unpack(const LoopTiles& tiles, size_t from, size_t end, uint8_t* codes) {
    tiles.template unpack<kStepsOfLine, unpack_line>(from / kStepsOfLine, end / kStepsOfLine,
                                                     codes);
    return codes;
  }
};
template <UnpackLineFn unpack_line, PairStepsFn pair_steps = nullptr>
struct LoopT5 {
  static constexpr bool kPairs = pair_steps != nullptr;
  // Runs end with a line where they can, so that none is unpacked twice within a group; with pairs,
  // they begin with the first of a pair of lines.
  static constexpr size_t kAlignLines = kPairs ? 2 : 1;
  static constexpr size_t kRunLines = kLoopSteps / kT5LineDigits / kAlignLines * kAlignLines;
  static size_t tile_lines(size_t n_lines) { return t5_tile_lines(n_lines); }
  static size_t first_line(size_t from) {
    return from / (kT5LineDigits * kAlignLines) * kAlignLines;
  }
  static size_t run_end(size_t from, size_t end) {
    const size_t most = (first_line(from) + kRunLines) * kT5LineDigits;
    return end < most ? end : most;
  }
  static const uint8_t* unpack(const LoopTiles& tiles, size_t from, size_t end, uint8_t* codes) {
    const size_t first = first_line(from);
    const size_t before = from - first * kT5LineDigits;
    tiles.template unpack<kT5LineDigits, unpack_line>(
        first, (end + kT5LineDigits - 1) / kT5LineDigits, codes);
    if constexpr (kPairs) pair_steps(codes, (end - from + before) / 2);
    return codes + before * kStepBytes;
  }
};

template <typename Layout, typename Runs>
inline void loop_tiles(const TernaryProduct& p, const TokenBlock* blocks, size_t n_blocks,
                       size_t first_tile, LoopSums& sums, uint8_t* codes) {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  const size_t tile_bytes = Layout::tile_lines(p.n_lines) * kLineBytes;
  LoopTiles tiles;
  size_t tile[kLoopTiles];
  // A single last tile is computed twice and stored once.
  for (size_t i = 0; i < kLoopTiles; ++i) {
    tile[i] = first_tile + i < n_tiles ? first_tile + i : first_tile;
    tiles.lines[i] = p.tiles + tile[i] * tile_bytes;
  }
  const TokenBlock& last_block = blocks[n_blocks - 1];
  memset(sums.y, 0, (last_block.token + last_block.n_tokens - blocks[0].token) * sizeof(sums.y[0]));
  for (size_t g = 0; g < p.n_groups; ++g) {
    const size_t left = p.n_lines - g * p.group_lines;
    const size_t begin = g * p.group_lines * kStepsOfLine;
    const size_t end = begin + (left < p.group_lines ? left : p.group_lines) * kStepsOfLine;
    Steps steps = {};
    for (size_t i = 0; i < kLoopTiles; ++i) {
      steps.w_scales[i] = p.w_scales + tile[i] * p.w_tile_stride + g * p.w_group_stride;
    }
    for (size_t from = begin; from < end;) {
      const size_t to = Layout::run_end(from, end);
      steps.codes = Layout::unpack(tiles, from, to, codes);
      steps.n_steps = to - from;
      steps.first = from == begin;
      steps.last = to == end;
      size_t token = 0;
      for (size_t b = 0; b < n_blocks; ++b) {
        const TokenBlock& block = blocks[b];
        Runs::of[block.n_tokens - Runs::kFewest](steps, block.x + from * 4 * block.n_tokens,
                                                 block.minus_sums + g * block.n_tokens,
                                                 block.scales + g * block.n_tokens, sums, token);
        token += block.n_tokens;
      }
      from = to;
    }
  }
  size_t first = 0;
  const size_t row = first_tile * kTileRows;
  const size_t rows = p.n_rows - row < kLoopRows ? p.n_rows - row : kLoopRows;
  for (size_t b = 0; b < n_blocks; first += blocks[b].n_tokens, ++b) {
    for (size_t t = 0; t < blocks[b].n_tokens; ++t) {
      memcpy(p.y + (blocks[b].token + t) * p.y_stride + row, sums.y[first + t],
             rows * sizeof(float));
    }
  }
}

// The product of all tokens. Layout: a LoopT2 or LoopT5; Runs: a RunSteps.
template <typename Layout, typename Runs>
inline void loop_product(const TernaryProduct& p) {
  alignas(64) uint8_t codes[kLoopSteps * kStepBytes];
  LoopSums sums;
  for_packed_blocks<kLoopTokens, Layout::kPairs ? 8 : 4>(
      p, [&](const TokenBlock* blocks, size_t n_blocks) {
        for (size_t row = 0; row < p.n_rows; row += kLoopRows) {
          loop_tiles<Layout, Runs>(p, blocks, n_blocks, row / kTileRows, sums, codes);
        }
      });
}

}  // namespace
