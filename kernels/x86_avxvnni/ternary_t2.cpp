// Ternary product over T2 tiles with vpdpbusd in 256-bit registers: four products added to the
// int32 lane of their row. No step can saturate.
#include <immintrin.h>
#include <string.h>

#include "kernels/repeat.h"
#include "kernels/x86_avxvnni/avxvnni.h"

namespace tern::kernels::avxvnni {
namespace {

using V = __m256i;

#include "kernels/x86_avx2/code_register.h"

// 8 sums are 8 chains, each a step longer with every line: fewer would wait for the latency of
// vpdpbusd. A second token takes its turn while the tile is in the cache.
constexpr size_t kStreamTokens = 1;
constexpr size_t kStreamFields = 4;
// int32 holds all of k. The largest sum is that of the codes at 64x, 128 * 128 for each of 4
// elements of 16.
constexpr size_t kStreamLines = kMaxK;
static_assert(kMaxK / 4 * 16384ULL <= 0x7fffffffULL);

constexpr size_t kLoopTokens = 6;  // 12 sums, 2 registers of codes and a broadcast
constexpr size_t kLoopLines = 32;  // 8 KiB of codes

// Fewer tokens do not make up for writing the codes to memory.
constexpr size_t kManyTokens = 2 * kLoopTokens;

inline void add_products(V& sum, V codes, V four) {
  sum = _mm256_dpbusd_avx_epi32(sum, codes, four);
  pin(sum);
}
inline V widen(V sum) { return sum; }
inline V widen_fields(const V (&at)[kStreamFields]) {
  const V low = _mm256_add_epi32(at[0], _mm256_srai_epi32(at[1], 2));
  const V high = _mm256_add_epi32(_mm256_srai_epi32(at[2], 4), _mm256_srai_epi32(at[3], 6));
  return _mm256_add_epi32(low, high);
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

}  // namespace tern::kernels::avxvnni
