// Attention over the 16 lanes of this set.
#include <math.h>
#include <string.h>

#include "kernels/arm_neon/neon.h"
#include "kernels/arm_neon/v16.h"
#include "kernels/exp_constants.h"
#include "kernels/half.h"
#include "kernels/repeat.h"

namespace tern::kernels::neon {
namespace {

// 4 chains of four of 32 registers.
constexpr int kTileQueries = 4;
constexpr int kTileGroups = 1;
constexpr int kTileVectors = 1;

// Factors as they are, multiplied with the widened codes; a lane has four sums in a register, so
// that a query takes half of the registers.
constexpr int kFactorQueries = 1;
constexpr int kFactorVectors = 1;

inline void store_factors(V16 x, int16_t* to) {
  for (int i = 0; i < 4; ++i) vst1_s16(to + 4 * i, vmovn_s32(vcvtq_s32_f32(x.part[i])));
}

inline int32_t factor_sum(V16) { return 0; }  // of no use here

template <int Q, int N, size_t row, typename Ahead>
TERN_INLINE_BODY inline void factor_products(const int8_t* codes, size_t, size_t step,
                                             size_t n_quads, const int16_t* factors, const int32_t*,
                                             Ahead ahead, V16 (*out)[N]) {
  static_assert(Q == 1 && N == 1);
  int32x4_t sums[16];
  for (int lane = 0; lane < 16; ++lane) sums[lane] = vdupq_n_s32(0);
  for (size_t quad = 0; quad < n_quads; ++quad) {
    const int16x4_t f = vld1_s16(factors + 4 * quad);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const int8x16_t c = vld1q_s8(codes + quad * step + 16 * j);
      const int16x8_t low = vmovl_s8(vget_low_s8(c));
      const int16x8_t high = vmovl_s8(vget_high_s8(c));
      sums[4 * j] = vmlal_s16(sums[4 * j], vget_low_s16(low), f);
      sums[4 * j + 1] = vmlal_s16(sums[4 * j + 1], vget_high_s16(low), f);
      sums[4 * j + 2] = vmlal_s16(sums[4 * j + 2], vget_low_s16(high), f);
      sums[4 * j + 3] = vmlal_s16(sums[4 * j + 3], vget_high_s16(high), f);
    }
    ahead(quad);
  }
  for (int j = 0; j < 4; ++j) {
    const int32x4_t low = vpaddq_s32(sums[4 * j], sums[4 * j + 1]);
    const int32x4_t high = vpaddq_s32(sums[4 * j + 2], sums[4 * j + 3]);
    out[0][0].part[j] = vcvtq_f32_s32(vpaddq_s32(low, high));
  }
}

}  // namespace

#include "kernels/vector_attention.h"

}  // namespace tern::kernels::neon
