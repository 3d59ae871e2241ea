// Products with vpmaddubsw, as x86_sum_steps.h and x86_stream_tiles.h take them. Included in the
// unnamed namespace of a file of this folder, after code_register.h.

// One lane is at most 2 * 2 * 127 = 508 and at least -2 * 2 * 128 = -512.
constexpr size_t kMaxPair = 2 * 2 * 127;
constexpr size_t kMinPair = 2 * 2 * 128;

constexpr size_t kLoopTokens = 6;  // 12 sums, 2 registers of codes, a broadcast and a product
constexpr size_t kLoopLines = 16;  // four pairs a line
static_assert(kLoopLines * 4 * kMaxPair <= 32767);
static_assert(kLoopLines * 4 * kMinPair <= 32768);

inline void add_products(V& sum, V codes, V four) {
  const V product = _mm256_maddubs_epi16(codes, four);
  sum = _mm256_add_epi16(sum, product);
  pin_beside(sum, product);
}
inline V widen(V sum) { return _mm256_madd_epi16(sum, _mm256_set1_epi16(1)); }
