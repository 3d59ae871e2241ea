// How kernels go through the tokens of a ternary product: in blocks of up to kBlockTokens, as equal
// as they can be, whose activations, sums and scales are first copied side by side. A kernel then
// walks one stream with constant distances between tokens, where the rows of x, often a multiple of
// 4096 bytes apart, would compete for the same few lines of the L1 cache.
//
// Several blocks are packed before the tiles are walked, so that each tile comes from memory once
// for all of them: they find it in the L2 cache. Included inside the namespace of each set.
// REQUIRES kernel_table.h and <string.h>.

namespace {

// One block of a product, as packed into its scratch.
struct TokenBlock {
  size_t token;               // its first
  size_t n_tokens;            // > 0
  const int8_t* x;            // [16 * n_lines / kXBytes, n_tokens, kXBytes] elements along k
  const int32_t* minus_sums;  // [n_groups, n_tokens] x_sums, negated: where the sums begin
  const float* scales;        // [n_groups, n_tokens] x_scales
};

// Four rows of four words, transposed. Both compilers make unpack or zip instructions of it.
typedef int32_t Words __attribute__((vector_size(16)));
inline void transpose_words(const int8_t* x, size_t x_stride, int8_t* out, size_t out_stride) {
  Words row[4];
  for (size_t i = 0; i < 4; ++i) memcpy(&row[i], x + i * x_stride, sizeof(Words));
  const Words low01 = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5);
  const Words low23 = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5);
  const Words high01 = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7);
  const Words high23 = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
  row[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  row[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  row[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  row[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
  for (size_t i = 0; i < 4; ++i) memcpy(out + i * out_stride, &row[i], sizeof(Words));
}

template <size_t kXBytes>
inline void pack_x(const TernaryProduct& p, size_t token, size_t n_tokens, int8_t* packed) {
  const size_t n_pieces = p.n_lines * (kLineK / kXBytes);
  size_t t = 0;
  if constexpr (kXBytes == sizeof(int32_t)) {
    for (; t + 4 <= n_tokens; t += 4) {
      const int8_t* x = p.x + (token + t) * p.x_stride;
      for (size_t piece = 0; piece < n_pieces; piece += 4) {
        transpose_words(x + piece * kXBytes, p.x_stride, packed + (piece * n_tokens + t) * kXBytes,
                        n_tokens * kXBytes);
      }
    }
  }
  for (; t < n_tokens; ++t) {
    const int8_t* x = p.x + (token + t) * p.x_stride;
    for (size_t piece = 0; piece < n_pieces; ++piece) {
      memcpy(packed + (piece * n_tokens + t) * kXBytes, x + piece * kXBytes, kXBytes);
    }
  }
}

// The blocks of a product with n_tokens tokens; all but the last are multiples of step.
struct TokenSplit {
  size_t n_tokens, n_blocks, step;
  size_t begin(size_t block) const {
    const size_t token = (n_tokens + step - 1) / step * block / n_blocks * step;
    return token < n_tokens ? token : n_tokens;
  }
};

// Calls fn(blocks, n_blocks) for as many packed blocks at a time as the scratch holds. kXBytes:
// elements of a token that lie together; of eight, tokens go in pairs.
template <size_t kBlockTokens, size_t kXBytes = 4, typename Fn>
inline void for_packed_blocks(const TernaryProduct& p, Fn fn) {
  constexpr size_t kStep = kXBytes / 4;
  static_assert(kScratchTokens % kBlockTokens == 0 && kBlockTokens % kStep == 0);
  constexpr size_t kScratchBlocks = kScratchTokens / kBlockTokens;
  const TokenSplit split = {p.n_tokens, (p.n_tokens + kBlockTokens - 1) / kBlockTokens, kStep};
  const size_t room = p.n_tokens < kScratchTokens ? p.n_tokens : kScratchTokens;
  int8_t* const x = p.scratch;
  int32_t* const minus_sums = reinterpret_cast<int32_t*>(x + room * p.n_lines * kLineK);
  float* const scales = reinterpret_cast<float*>(minus_sums + room * p.n_groups);
  for (size_t first = 0; first < split.n_blocks; first += kScratchBlocks) {
    TokenBlock blocks[kScratchBlocks];
    size_t n = 0;
    for (; n < kScratchBlocks && first + n < split.n_blocks; ++n) {
      const size_t token = split.begin(first + n);
      const size_t n_tokens = split.begin(first + n + 1) - token;
      const size_t before = token - split.begin(first);  // tokens in scratch
      int32_t* block_sums = minus_sums + before * p.n_groups;
      float* block_scales = scales + before * p.n_groups;
      for (size_t t = 0; t < n_tokens; ++t) {
        for (size_t g = 0; g < p.n_groups; ++g) {
          block_sums[g * n_tokens + t] = -p.x_sums[(token + t) * p.n_groups + g];
          block_scales[g * n_tokens + t] = p.x_scales[(token + t) * p.n_groups + g];
        }
      }
      // One token's activations lie in that order as they are.
      const bool in_place = n_tokens == 1;
      int8_t* block_x = x + before * p.n_lines * kLineK;
      if (!in_place) pack_x<kXBytes>(p, token, n_tokens, block_x);
      blocks[n] = {token, n_tokens, in_place ? p.x + token * p.x_stride : block_x, block_sums,
                   block_scales};
    }
    fn(blocks, n);
  }
}

}  // namespace
