// Ternary products of several tokens over T2 and T5 tiles with smmla: two rows of eight weights
// times two tokens of eight activations, four sums of eight products.
#include <arm_neon.h>
#include <string.h>

#include "kernels/arm_dotprod/dotprod.h"
#include "kernels/arm_i8mm/i8mm.h"
#include "kernels/repeat.h"

namespace tern::kernels::i8mm {
namespace {

#include "kernels/arm_neon/sum_register.h"

constexpr size_t kLoopRegisters = 4;
// 8 pairs of rows times 3 pairs of tokens: 24 sums, 3 registers of activations, one of weights.
constexpr size_t kLoopTokens = 6;
constexpr size_t kLoopLines = 32;  // 8 KiB of weights; int32 holds all of k

// An odd token pays for a pair, and putting weights in pairs takes half as much as unpacking them:
// up to here sdot needs no more operations.
constexpr size_t kFewTokens = 3;

constexpr size_t kPairBytes = 2 * kLineBytes;  // two steps

// The two codes of a nibble belong to two steps that follow each other: [2][16 rows][8], a register
// holds two rows.
inline void unpack_t2_pairs(const uint8_t* line, uint8_t* weights, size_t) {
  const NibbleTables tables = nibble_tables();
  for (size_t q = 0; q < 4; ++q) {
    const uint8x16_t packed = vld1q_u8(line + 16 * q);
    for (size_t half = 0; half < 2; ++half) {
      const uint8x16_t nibbles =
          half == 0 ? vandq_u8(packed, vdupq_n_u8(15)) : vshrq_n_u8(packed, 4);
      const V first = vreinterpretq_s32_u8(vqtbl1q_u8(tables.first, nibbles));
      const V second = vreinterpretq_s32_u8(vqtbl1q_u8(tables.second, nibbles));
      uint8_t* const to = weights + half * kPairBytes + 32 * q;
      store(to, vzip1q_s32(first, second));
      store(to + 16, vzip2q_s32(first, second));
    }
  }
}

// From [2 steps][16 rows][4] to [16 rows][8].
inline void pair_steps(uint8_t* weights, size_t n_pairs) {
  for (; n_pairs > 0; --n_pairs, weights += kPairBytes) {
    int32x4_t first[4], second[4];
    for (size_t q = 0; q < 4; ++q) {
      first[q] = load(weights + 16 * q);
      second[q] = load(weights + kLineBytes + 16 * q);
    }
    for (size_t q = 0; q < 4; ++q) {
      store(weights + 32 * q, vzip1q_s32(first[q], second[q]));
      store(weights + 32 * q + 16, vzip2q_s32(first[q], second[q]));
    }
  }
}

inline int8x16_t load_bytes(const uint8_t* p) { return vreinterpretq_s8_u8(vld1q_u8(p)); }

// x [n_steps / 2, n_tokens, 8]. What is read behind the last odd token is in scratch: the sums and
// scales of a token are at least eight bytes.
template <size_t n_tokens>
[[gnu::noinline]] void sum_steps(const uint8_t* weights, size_t n_steps, const int8_t* x,
                                 V (*out)[kLoopRegisters]) {
  constexpr size_t kPairs = (n_tokens + 1) / 2;
  constexpr size_t kRowPairs = kTileRows / 2;
  V sum[kPairs][kRowPairs];  // row 0 token 0, row 0 token 1, row 1 token 0, row 1 token 1
  repeat<kPairs * kRowPairs>([&](auto i) TERN_INLINE_BODY {
    sum[i / kRowPairs][i % kRowPairs] = vdupq_n_s32(0);
    pin(sum[i / kRowPairs][i % kRowPairs]);
  });
  do {
    int8x16_t tokens[kPairs];
    repeat<kPairs>([&](auto i) TERN_INLINE_BODY { tokens[i] = vld1q_s8(x + 16 * i); });
    int8x16_t next[2] = {load_bytes(weights), load_bytes(weights + 16)};
    repeat<kRowPairs / 2>([&](auto pair) TERN_INLINE_BODY {
      constexpr size_t r = 2 * pair;
      const int8x16_t first = next[0];
      const int8x16_t second = next[1];
      load_in_order(weights);
      if constexpr (r + 2 < kRowPairs) {
        next[0] = load_bytes(weights + 16 * r + 32);
        next[1] = load_bytes(weights + 16 * r + 48);
      }
      repeat<kPairs>([&](auto i) TERN_INLINE_BODY {
        sum[i][r] = vmmlaq_s32(sum[i][r], first, tokens[i]);
        sum[i][r + 1] = vmmlaq_s32(sum[i][r + 1], second, tokens[i]);
        pin_in_order(sum[i][r]);
        pin_in_order(sum[i][r + 1]);
      });
    });
    weights += kPairBytes;
    x += 8 * n_tokens;
    n_steps -= 2;
  } while (n_steps > 0);
  repeat<n_tokens * kLoopRegisters>([&](auto i) TERN_INLINE_BODY {
    constexpr size_t t = i / kLoopRegisters;
    constexpr size_t q = i % kLoopRegisters;
    const V(&rows)[kRowPairs] = sum[t / 2];
    out[t][q] = t % 2 == 0 ? vuzp1q_s32(rows[2 * q], rows[2 * q + 1])
                           : vuzp2q_s32(rows[2 * q], rows[2 * q + 1]);
  });
}

}  // namespace

// In this order.
#include "kernels/token_blocks.h"
//
#include "kernels/code_loop.h"

void ternary_gemm_t2(const TernaryProduct& p) noexcept {
  if (p.n_tokens <= kFewTokens) return dotprod::ternary_gemm_t2(p);
  loop_product<LoopT2<unpack_t2_pairs, true>, RunSteps<3, 4, 5, 6>>(p);
}

void ternary_gemm_t5(const TernaryProduct& p) noexcept {
  if (p.n_tokens <= kFewTokens) return dotprod::ternary_product_t5(p);
  loop_product<LoopT5<unpack_t5_line, pair_steps>, RunSteps<3, 4, 5, 6>>(p);
}

}  // namespace tern::kernels::i8mm
