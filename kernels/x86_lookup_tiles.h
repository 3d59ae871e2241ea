// Ternary products over L2 tiles by table lookup, for the x86 sets: vpshufb finds the exact sum of
// two weighted activations for 16 rows in every 128 bits of a register. A sum v, at most 256 in
// absolute value, is split into two bytes, v = 32 * high + low with low in -16..15 and high in
// -8..8, so that lookups can be added as bytes: eight of them, which is what int8 holds. Then
// vpmaddubsw joins low and high into int16. Included inside the namespace of each set after
//
//   using V                        a register of codes
//   V load_table(const void* p)    any alignment
//   V load(const void* p)          aligned
//   V and_bits(V a, V b), V nibbles(V v), V bytes_of(uint8_t v)
//   V find(V table, V at), V add_i8(V a, V b), V add_i16(V a, V b), V zero()
//   void pin_beside(V& sum, V product)
//                                  keeps the sum in its register (README.md)
//   V join_first(V low, V high), V join_last(V low, V high)
//                                  32 * high + low in int16, of the first and the last eight bytes
//                                  of each 128 bits
//   __m256i sum_lanes(V words)     the 128-bit parts added up, in int32
//
// REQUIRES AVX2, <immintrin.h>, <string.h>, kernel_table.h and repeat.h.

namespace {

// Of a line: for the low and the high nibble, low bytes and high bytes of four tables, one for
// each run of 16 bytes.
constexpr size_t kTableBytes = 16;
constexpr size_t kPlaneBytes = 4 * kTableBytes;
constexpr size_t kNibbleBytes = 2 * kPlaneBytes;
static_assert(2 * kNibbleBytes == kLookupLineBytes);

constexpr size_t kLineRegisters = kLineBytes / sizeof(V);
// Lookups added as bytes: 8 * -16 and 8 * 15, 8 * -8 and 8 * 8 fit int8.
constexpr size_t kByteLookups = 8;
constexpr size_t kByteLines = kByteLookups / (2 * kLineRegisters);
// A word takes 8 * 256 at most each time.
constexpr size_t kWordLines = 15 * kByteLines;
static_assert(15 * kByteLookups * 256 <= 32767);

constexpr size_t kLookupPrefetchBytes = 4096;

// The tables of one line from its 16 activations.
inline void build_line_tables(const int8_t* x, uint8_t* tables) {
  // Activations split as the sums are: low in -16..15, high in -4..4.
  const __m256i words = _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(x)));
  const __m256i high_words = _mm256_srai_epi16(_mm256_add_epi16(words, _mm256_set1_epi16(16)), 5);
  const __m256i low_words = _mm256_sub_epi16(words, _mm256_slli_epi16(high_words, 5));
  const __m256i both = _mm256_packs_epi16(low_words, high_words);
  const __m256i low_x = _mm256_permute4x64_epi64(both, 0x88);
  const __m256i high_x = _mm256_permute4x64_epi64(both, 0xdd);
  // The weights of entry 3 * c0 + c1.
  const __m256i first =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(-1, -1, -1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0));
  const __m256i second =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(-1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 0, 0, 0, 0, 0, 0));
  repeat<4>([&](auto part) TERN_INLINE_BODY {
    constexpr size_t nibble = part / 2, half = part % 2;
    constexpr char at = 8 * half + 2 * nibble;
    const __m256i first_at = _mm256_set_m128i(_mm_set1_epi8(at + 4), _mm_set1_epi8(at));
    const __m256i second_at = _mm256_set_m128i(_mm_set1_epi8(at + 5), _mm_set1_epi8(at + 1));
    const auto sum = [&](__m256i v) TERN_INLINE_BODY {
      return _mm256_add_epi8(_mm256_sign_epi8(_mm256_shuffle_epi8(v, first_at), first),
                             _mm256_sign_epi8(_mm256_shuffle_epi8(v, second_at), second));
    };
    // low is in -32..32 and carries into high.
    __m256i low = sum(low_x);
    __m256i high = sum(high_x);
    const __m256i above = _mm256_cmpgt_epi8(low, _mm256_set1_epi8(15));
    const __m256i below = _mm256_cmpgt_epi8(_mm256_set1_epi8(-16), low);
    high = _mm256_add_epi8(_mm256_sub_epi8(high, above), below);
    low = _mm256_add_epi8(low, _mm256_and_si256(above, _mm256_set1_epi8(-32)));
    low = _mm256_add_epi8(low, _mm256_and_si256(below, _mm256_set1_epi8(32)));
    uint8_t* out = tables + nibble * kNibbleBytes + half * sizeof(__m256i);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), low);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + kPlaneBytes), high);
  });
}

// n_lines lines of tiles that are tile_bytes apart; words [tile][first or last eight rows].
template <size_t n_lines, size_t n_tiles>
[[gnu::always_inline]] inline void add_lines(const uint8_t* bytes, size_t tile_bytes,
                                             const uint8_t* tables, V (&words)[n_tiles][2]) {
  static_assert(n_lines <= kByteLines);
  const V mask = bytes_of(15);
  V low[n_tiles], high[n_tiles];
  repeat<n_tiles>([&](auto t) TERN_INLINE_BODY { low[t] = high[t] = zero(); });
  repeat<n_lines>([&](auto line) TERN_INLINE_BODY {
    repeat<kLineRegisters>([&](auto r) TERN_INLINE_BODY {
      V codes[n_tiles];
      repeat<n_tiles>([&](auto t) TERN_INLINE_BODY {
        codes[t] = load(bytes + t * tile_bytes + line * kLineBytes + r * sizeof(V));
      });
      repeat<2>([&](auto nibble) TERN_INLINE_BODY {
        const uint8_t* table =
            tables + line * kLookupLineBytes + nibble * kNibbleBytes + r * sizeof(V);
        const V low_table = load_table(table);
        const V high_table = load_table(table + kPlaneBytes);
        repeat<n_tiles>([&](auto t) TERN_INLINE_BODY {
          const V at = and_bits(nibble == 0 ? codes[t] : nibbles(codes[t]), mask);
          const V low_found = find(low_table, at);
          low[t] = add_i8(low[t], low_found);
          pin_beside(low[t], low_found);
          const V high_found = find(high_table, at);
          high[t] = add_i8(high[t], high_found);
          pin_beside(high[t], high_found);
        });
      });
    });
  });
  repeat<n_tiles>([&](auto t) TERN_INLINE_BODY {
    words[t][0] = add_i16(words[t][0], join_first(low[t], high[t]));
    words[t][1] = add_i16(words[t][1], join_last(low[t], high[t]));
  });
}

template <size_t n_tiles>
inline void lookup_tiles(const TernaryProduct& p, size_t tile, size_t token,
                         const uint8_t* tables) {
  const size_t tile_bytes = p.n_lines * kLineBytes;
  const uint8_t* bytes = p.tiles + tile * tile_bytes;
  alignas(64) float y[n_tiles][kTileRows] = {};
  for (size_t g = 0; g < p.n_groups; ++g) {
    const size_t group_left = p.n_lines - g * p.group_lines;
    size_t left = group_left < p.group_lines ? group_left : p.group_lines;
    __m256i isum[n_tiles][2] = {};
    while (left > 0) {
      size_t n = left < kWordLines ? left : kWordLines;
      left -= n;
      V words[n_tiles][2];
      repeat<n_tiles>([&](auto t) TERN_INLINE_BODY { words[t][0] = words[t][1] = zero(); });
      for (; n >= kByteLines; n -= kByteLines) {
        repeat<n_tiles>([&](auto t) TERN_INLINE_BODY {
          const uint8_t* ahead = bytes + t * tile_bytes + kLookupPrefetchBytes;
          repeat<kByteLines>([&](auto line) TERN_INLINE_BODY {
            _mm_prefetch(reinterpret_cast<const char*>(ahead + line * kLineBytes), _MM_HINT_T0);
          });
        });
        add_lines<kByteLines>(bytes, tile_bytes, tables, words);
        bytes += kByteLines * kLineBytes;
        tables += kByteLines * kLookupLineBytes;
      }
      for (; n > 0; --n) {
        add_lines<1>(bytes, tile_bytes, tables, words);
        bytes += kLineBytes;
        tables += kLookupLineBytes;
      }
      repeat<n_tiles>([&](auto t) TERN_INLINE_BODY {
        repeat<2>([&](auto i) TERN_INLINE_BODY {
          isum[t][i] = _mm256_add_epi32(isum[t][i], sum_lanes(words[t][i]));
        });
      });
    }
    const __m256 x_scale = _mm256_set1_ps(p.x_scales[token * p.n_groups + g]);
    for (size_t t = 0; t < n_tiles; ++t) {
      const float* w_scales = p.w_scales + (tile + t) * p.w_tile_stride + g * p.w_group_stride;
      for (size_t i = 0; i < 2; ++i) {
        float* out = y[t] + 8 * i;
        const __m256 scale = _mm256_mul_ps(_mm256_loadu_ps(w_scales + 8 * i), x_scale);
        const __m256 term = _mm256_mul_ps(_mm256_cvtepi32_ps(isum[t][i]), scale);
        _mm256_store_ps(out, _mm256_add_ps(_mm256_load_ps(out), term));
      }
    }
  }
  const size_t row = tile * kTileRows;
  const size_t rows = p.n_rows - row < n_tiles * kTileRows ? p.n_rows - row : n_tiles * kTileRows;
  memcpy(p.y + token * p.y_stride + row, y, rows * sizeof(float));
}

}  // namespace
