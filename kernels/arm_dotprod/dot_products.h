// The inner loop of code_loop.h with sdot by element: one register of activations serves four
// tokens. Included in the unnamed namespace of a file of this folder, after sum_register.h.
// REQUIRES repeat.h.

constexpr size_t kLoopRegisters = 4;
constexpr size_t kLoopTokens = 6;  // 24 sums, 4 registers of weights and 2 of activations
constexpr size_t kLoopLines = 32;  // 8 KiB of weights; int32 holds all of k

// Up to six times four activations; what is read behind the last is at most four bytes, in scratch
// or followed by a token's padding.
template <size_t n_tokens>
struct Fours {
  int8x16_t low;
  int8x8_t high;  // of tokens 4 and 5
};

template <size_t n_tokens>
[[gnu::always_inline]] inline Fours<n_tokens> load_fours(const int8_t* x) {
  Fours<n_tokens> fours = {};
  if constexpr (n_tokens == 1) {
    fours.low = broadcast4(x);
  } else if constexpr (n_tokens == 2) {
    fours.low = vcombine_s8(vld1_s8(x), vdup_n_s8(0));
  } else {
    fours.low = vld1q_s8(x);
  }
  if constexpr (n_tokens > 4) fours.high = vld1_s8(x + 16);
  return fours;
}

template <size_t n_tokens>
[[gnu::noinline]] void sum_steps(const uint8_t* weights, size_t n_steps, const int8_t* x,
                                 V (*out)[kLoopRegisters]) {
  V sum[n_tokens][kLoopRegisters];
  repeat<n_tokens * kLoopRegisters>([&](auto i) TERN_INLINE_BODY {
    sum[i / kLoopRegisters][i % kLoopRegisters] = vdupq_n_s32(0);
    pin(sum[i / kLoopRegisters][i % kLoopRegisters]);
  });
  do {
    const Fours<n_tokens> fours = load_fours<n_tokens>(x);
    repeat<kLoopRegisters>([&](auto r) TERN_INLINE_BODY {
      const int8x16_t w = vreinterpretq_s8_u8(vld1q_u8(weights + 16 * r));
      repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
        if constexpr (t < 4) {
          sum[t][r] = vdotq_laneq_s32(sum[t][r], w, fours.low, static_cast<int>(t.value));
        } else {
          sum[t][r] = vdotq_lane_s32(sum[t][r], w, fours.high, static_cast<int>(t.value) - 4);
        }
        pin(sum[t][r]);
      });
    });
    weights += 16 * kLoopRegisters;
    x += 4 * n_tokens;
  } while (--n_steps > 0);
  repeat<n_tokens * kLoopRegisters>([&](auto i) TERN_INLINE_BODY {
    out[i / kLoopRegisters][i % kLoopRegisters] = sum[i / kLoopRegisters][i % kLoopRegisters];
  });
}
