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

// In this order.
#include "kernels/x86_avx2/code_register.h"
//
#include "kernels/x86_avx2/code_products.h"

constexpr size_t kStreamTokens = 2;  // 8 sums
constexpr size_t kStreamFields = 2;
constexpr size_t kStreamLines = 8;  // two pairs a line, those of the upper codes at 4x
static_assert(kStreamLines * 2 * 4 * kMaxPair <= 32767);
static_assert(kStreamLines * 2 * 4 * kMinPair <= 32768);

// Fewer tokens do not make up for writing the codes to memory.
constexpr size_t kManyTokens = 2 * kLoopTokens;

inline V widen_fields(const V (&at)[kStreamFields]) {
  return widen(_mm256_add_epi16(at[0], _mm256_srai_epi16(at[1], 2)));
}

}  // namespace

// In this order.
#include "kernels/token_blocks.h"
//
#include "kernels/x86_stream_tiles.h"
//
#include "kernels/x86_sum_steps.h"
//
#include "kernels/code_loop.h"

void ternary_gemv_t2(const TernaryProduct& p) noexcept { stream_product(p); }

void ternary_gemm_t2(const TernaryProduct& p) noexcept {
  if (p.n_tokens < kManyTokens) return stream_product(p);
  loop_product<LoopT2<unpack_line>, RunSteps<4, 5, 6>>(p);
}

}  // namespace tern::kernels::avx2
