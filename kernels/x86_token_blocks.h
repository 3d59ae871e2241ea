// How the x86 kernels go through the tokens of a ternary product: in blocks of up to kBlockTokens,
// as equal as they can be, whose activations, sums and scales are first copied side by side. A
// kernel then walks one stream with constant distances between tokens, where the rows of x, often
// a multiple of 4096 bytes apart, would compete for the same few lines of the L1 cache.
//
// Several blocks are packed before the tiles are walked, so that each tile comes from memory once
// for all of them: they find it in the L2 cache. Included inside the namespace of each set.

namespace {

// One block of a product, as packed into its scratch.
struct TokenBlock {
  size_t token;               // its first
  size_t n_tokens;            // > 0
  const int8_t* x;            // [4 * n_lines, n_tokens, 4]: four elements along k of each token
  const int32_t* minus_sums;  // [n_groups, n_tokens] x_sums, negated: where the sums begin
  const float* scales;        // [n_groups, n_tokens] x_scales
};

inline void pack_x(const TernaryProduct& p, size_t token, size_t n_tokens, int8_t* packed) {
  const size_t n_quads = p.n_lines * (kLineK / 4);
  size_t t = 0;
  for (; t + 4 <= n_tokens; t += 4) {
    // Four tokens of 16 elements at a time: a transposition of four by four words.
    const int8_t* x = p.x + (token + t) * p.x_stride;
    int8_t* out = packed + 4 * t;
    for (size_t quad = 0; quad < n_quads; quad += 4) {
      const auto load = [&](size_t i) {
        return _mm_load_si128(reinterpret_cast<const __m128i*>(x + i * p.x_stride + 4 * quad));
      };
      const auto store = [&](size_t i, __m128i v) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + (quad + i) * 4 * n_tokens), v);
      };
      const __m128i low01 = _mm_unpacklo_epi32(load(0), load(1));
      const __m128i low23 = _mm_unpacklo_epi32(load(2), load(3));
      const __m128i high01 = _mm_unpackhi_epi32(load(0), load(1));
      const __m128i high23 = _mm_unpackhi_epi32(load(2), load(3));
      store(0, _mm_unpacklo_epi64(low01, low23));
      store(1, _mm_unpackhi_epi64(low01, low23));
      store(2, _mm_unpacklo_epi64(high01, high23));
      store(3, _mm_unpackhi_epi64(high01, high23));
    }
  }
  for (; t < n_tokens; ++t) {
    const int8_t* x = p.x + (token + t) * p.x_stride;
    for (size_t quad = 0; quad < n_quads; ++quad) {
      memcpy(packed + (quad * n_tokens + t) * 4, x + 4 * quad, 4);
    }
  }
}

// The blocks of a product with n_tokens tokens.
struct TokenSplit {
  size_t n_tokens, n_blocks;
  size_t begin(size_t block) const { return n_tokens * block / n_blocks; }
};

// Calls fn(blocks, n_blocks) for as many packed blocks at a time as the scratch holds.
template <size_t kBlockTokens, typename Fn>
inline void for_packed_blocks(const TernaryProduct& p, Fn fn) {
  static_assert(kScratchTokens % kBlockTokens == 0);
  constexpr size_t kScratchBlocks = kScratchTokens / kBlockTokens;
  const TokenSplit split = {p.n_tokens, (p.n_tokens + kBlockTokens - 1) / kBlockTokens};
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
      int8_t* block_x = x + before * p.n_lines * kLineK;
      pack_x(p, token, n_tokens, block_x);
      blocks[n] = {token, n_tokens, block_x, block_sums, block_scales};
    }
    fn(blocks, n);
  }
}

}  // namespace
