// How lookup kernels go through tokens and tiles: the tables of some tokens are built in the
// caller's scratch, then every tile meets them all while it is in the cache. Included inside the
// namespace of each set, after, in its unnamed namespace,
//
//   constexpr size_t kTilesOneToken  tiles side by side, which share the loads of tables
//   constexpr size_t kTilesTokens    the same with several tokens, where tiles are in the cache
//   void build_line_tables(const int8_t* x, uint8_t* tables)
//   template <size_t n_tiles>
//   void lookup_tiles(const TernaryProduct& p, size_t tile, size_t token, const uint8_t* tables)
//
// REQUIRES kernel_table.h.

namespace {

template <size_t n_side_by_side>
inline void lookup_tokens(const TernaryProduct& p, size_t first, size_t n, const uint8_t* tables) {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  const size_t token_bytes = p.n_lines * kLookupLineBytes;
  size_t tile = 0;
  for (; tile + n_side_by_side <= n_tiles; tile += n_side_by_side) {
    for (size_t t = 0; t < n; ++t) {
      lookup_tiles<n_side_by_side>(p, tile, first + t, tables + t * token_bytes);
    }
  }
  for (; tile < n_tiles; ++tile) {
    for (size_t t = 0; t < n; ++t) lookup_tiles<1>(p, tile, first + t, tables + t * token_bytes);
  }
}

inline void lookup_product(const TernaryProduct& p) {
  uint8_t* const tables = reinterpret_cast<uint8_t*>(p.scratch);
  const size_t token_bytes = p.n_lines * kLookupLineBytes;
  for (size_t first = 0; first < p.n_tokens; first += kLookupTokens) {
    const size_t left = p.n_tokens - first;
    const size_t n = left < kLookupTokens ? left : kLookupTokens;
    for (size_t t = 0; t < n; ++t) {
      const int8_t* x = p.x + (first + t) * p.x_stride;
      for (size_t line = 0; line < p.n_lines; ++line) {
        build_line_tables(x + line * kLineK, tables + t * token_bytes + line * kLookupLineBytes);
      }
    }
    if (p.n_tokens == 1) {
      lookup_tokens<kTilesOneToken>(p, first, n, tables);
    } else {
      lookup_tokens<kTilesTokens>(p, first, n, tables);
    }
  }
}

}  // namespace
