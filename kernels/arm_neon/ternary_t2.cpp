// Ternary product over T2 tiles with widening multiplies for one token, mul and sadalp for several.
#include <arm_neon.h>
#include <string.h>

#include "kernels/arm_neon/neon.h"
#include "kernels/repeat.h"

namespace tern::kernels::neon {
namespace {

// In this order.
#include "kernels/arm_neon/sum_register.h"
//
#include "kernels/arm_neon/mul_products.h"

// |code * x| <= 256, and 2 * 127 above zero; a line adds four to a lane.
constexpr size_t kStreamLines = 32;
static_assert(kStreamLines * 4 * 2 * 127 <= 32767 && kStreamLines * 4 * 2 * 128 <= 32768);

template <size_t n_tokens>
struct StreamSums {
  int16x8_t sum[n_tokens][4][2];  // of two rows each
};

template <size_t n_tokens>
inline void clear(StreamSums<n_tokens>& sums) {
  repeat<n_tokens * 8>([&](auto i) TERN_INLINE_BODY {
    sums.sum[i / 8][i / 2 % 4][i % 2] = vdupq_n_s16(0);
    pin(sums.sum[i / 8][i / 2 % 4][i % 2]);
  });
}

template <size_t n_tokens>
[[gnu::always_inline]] inline void add_line(StreamSums<n_tokens>& sums, const uint8_t* line,
                                            const int8_t* x, size_t x_stride) {
  repeat<4>([&](auto q) TERN_INLINE_BODY {
    const uint8x16_t packed = vld1q_u8(line + 16 * q);
    repeat<4>([&](auto n) TERN_INLINE_BODY {
      constexpr int shift = 2 * n;
      uint8x16_t field = packed;
      if constexpr (n > 0) field = vshrq_n_u8(packed, shift);
      if constexpr (n < 3) field = vandq_u8(field, vdupq_n_u8(3));
      const int8x16_t codes = vreinterpretq_s8_u8(field);
      repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
        const int8x16_t four = broadcast4(x + t * x_stride + 4 * n);
        int16x8_t(&sum)[2] = sums.sum[t][q];
        sum[0] = vmlal_s8(sum[0], vget_low_s8(codes), vget_low_s8(four));
        sum[1] = vmlal_high_s8(sum[1], codes, four);
        pin(sum[0]);
        pin(sum[1]);
      });
    });
  });
}

template <size_t n_tokens>
inline V total(const StreamSums<n_tokens>& sums, size_t t, size_t q) {
  return vpaddq_s32(vpaddlq_s16(sums.sum[t][q][0]), vpaddlq_s16(sums.sum[t][q][1]));
}

}  // namespace

// In this order.
#include "kernels/token_blocks.h"
//
#include "kernels/code_loop.h"
//
#include "kernels/arm_neon/stream_loop.h"

namespace {

void several_tokens(const TernaryProduct& p) noexcept {
  loop_product<LoopT2<unpack_t2_line>, RunSteps<2, 3>>(p);
}

}  // namespace

void ternary_gemv_t2(const TernaryProduct& p) noexcept { stream_product<1>(p); }

void ternary_gemm_t2(const TernaryProduct& p) noexcept {
  product_of_tokens(p, ternary_gemv_t2, several_tokens);
}

}  // namespace tern::kernels::neon
