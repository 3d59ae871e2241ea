// Ternary product over T2 tiles with sdot: four products added to the int32 lane of their row.
#include <arm_neon.h>
#include <string.h>

#include "kernels/arm_dotprod/dotprod.h"
#include "kernels/repeat.h"

namespace tern::kernels::dotprod {
namespace {

// In this order.
#include "kernels/arm_neon/sum_register.h"
//
#include "kernels/arm_dotprod/dot_products.h"

// Codes stay where they lie in the byte, at 1x, 4x and 16x, with sums of their own that are shifted
// at the end: a mask each and no shift; at 64x they would not fit int8, and a shift brings them
// to 1x. The largest sum is 32 * 128 for each of 4 elements of 16.
constexpr size_t kStreamLines = kMaxK;
static_assert(kMaxK / 4 * 32 * 128ULL <= 0x7fffffffULL);
constexpr size_t kStreamTokens = 2;  // 24 sums

template <size_t n_tokens>
struct StreamSums {
  V sum[n_tokens][4][3];
};

template <size_t n_tokens>
inline void clear(StreamSums<n_tokens>& sums) {
  repeat<n_tokens * 12>([&](auto i) TERN_INLINE_BODY {
    sums.sum[i / 12][i / 3 % 4][i % 3] = vdupq_n_s32(0);
    pin(sums.sum[i / 12][i / 3 % 4][i % 3]);
  });
}

template <size_t n_tokens>
[[gnu::always_inline]] inline void add_line(StreamSums<n_tokens>& sums, const uint8_t* line,
                                            const int8_t* x, size_t x_stride) {
  int8x16_t x16[n_tokens];
  repeat<n_tokens>([&](auto t) TERN_INLINE_BODY { x16[t] = vld1q_s8(x + t * x_stride); });
  repeat<4>([&](auto q) TERN_INLINE_BODY {
    const uint8x16_t packed = vld1q_u8(line + 16 * q);
    repeat<4>([&](auto n) TERN_INLINE_BODY {
      constexpr uint8_t mask = static_cast<uint8_t>(3 << 2 * n);
      const int8x16_t codes =
          vreinterpretq_s8_u8(n == 3 ? vshrq_n_u8(packed, 6) : vandq_u8(packed, vdupq_n_u8(mask)));
      repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
        V& sum = sums.sum[t][q][n % 3];
        sum = vdotq_laneq_s32(sum, codes, x16[t], static_cast<int>(n.value));
        if constexpr (n_tokens < kStreamTokens) {
          pin(sum);
        } else {
          pin_in_order(sum);
        }
      });
    });
  });
}

template <size_t n_tokens>
inline V total(const StreamSums<n_tokens>& sums, size_t t, size_t q) {
  const V(&sum)[3] = sums.sum[t][q];
  return vaddq_s32(sum[0], vsraq_n_s32(vshrq_n_s32(sum[1], 2), sum[2], 4));
}

}  // namespace

// In this order.
#include "kernels/token_blocks.h"
//
#include "kernels/code_loop.h"
//
#include "kernels/arm_neon/stream_loop.h"

void ternary_gemv_t2(const TernaryProduct& p) noexcept { stream_product<1>(p); }

void ternary_gemm_t2(const TernaryProduct& p) noexcept {
  if (p.n_tokens == 1) return stream_product<1>(p);
  if (p.n_tokens == kStreamTokens) return stream_product<kStreamTokens>(p);
  loop_product<LoopT2<unpack_t2_line>, RunSteps<3, 4, 5, 6>>(p);
}

}  // namespace tern::kernels::dotprod
