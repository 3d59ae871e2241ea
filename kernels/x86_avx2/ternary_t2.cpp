// Ternary product over T2 tiles with vpmaddubsw: unsigned codes times signed activations, pairs
// added in int16. A row lives in one 32-bit lane, so a broadcast of four activations serves all
// rows.
#include <immintrin.h>
#include <string.h>

#include "kernels/repeat.h"
#include "kernels/x86_avx2/avx2.h"

namespace tern::kernels::avx2 {
namespace {

using V = __m256i;

#include "kernels/x86_avx2/t2_register.h"

// One lane is at most 2 * 2 * 127 = 508 and at least -2 * 2 * 128 = -512.
constexpr size_t kMaxPair = 2 * 2 * 127;
constexpr size_t kMinPair = 2 * 2 * 128;

constexpr size_t kStreamTokens = 2;  // 8 sums
constexpr size_t kStreamFields = 2;
constexpr size_t kStreamLines = 8;  // two pairs a line, those of the upper codes at 4x
static_assert(kStreamLines * 2 * 4 * kMaxPair <= 32767);
static_assert(kStreamLines * 2 * 4 * kMinPair <= 32768);

constexpr size_t kLoopTiles = 1;
constexpr size_t kLoopTokens = 6;  // 12 sums, 2 registers of codes, a broadcast and a product
constexpr size_t kLoopLines = 16;  // four pairs a line
static_assert(kLoopLines * 4 * kMaxPair <= 32767);
static_assert(kLoopLines * 4 * kMinPair <= 32768);

// Fewer tokens do not make up for writing the codes to memory.
constexpr size_t kManyTokens = 2 * kLoopTokens;
constexpr size_t kLoopFewest = (kManyTokens + 1) / 3;

inline void add_products(V& sum, V codes, V four) {
  const V product = _mm256_maddubs_epi16(codes, four);
  sum = _mm256_add_epi16(sum, product);
  pin_beside(sum, product);
}
inline V widen(V sum) { return _mm256_madd_epi16(sum, _mm256_set1_epi16(1)); }
inline V widen_fields(const V (&at)[kStreamFields]) {
  return widen(_mm256_add_epi16(at[0], _mm256_srai_epi16(at[1], 2)));
}

}  // namespace

// In this order.
#include "kernels/x86_token_blocks.h"
//
#include "kernels/x86_stream_tiles.h"
//
#include "kernels/x86_code_loop.h"

void ternary_gemv_t2(const TernaryProduct& p) noexcept { stream_product(p); }

void ternary_gemm_t2(const TernaryProduct& p) noexcept {
  if (p.n_tokens < kManyTokens) return stream_product(p);
  loop_product(p, RunSteps<4, 5, 6>::of);
}

}  // namespace tern::kernels::avx2
