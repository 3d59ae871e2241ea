// The inner loop of code_loop.h for NEON without extensions. A weight times an activation fits int8
// unless the activation is -128, so that mul and sadalp take 16 products; the widening multiplies
// that hold for every int8 take twice the work of the multiplier. Included in the unnamed namespace
// of a file of this folder, after sum_register.h. REQUIRES repeat.h.

// Two tiles share each broadcast: 24 sums, three broadcasts, weights and a product.
constexpr size_t kLoopRegisters = 8;
constexpr size_t kLoopTokens = 3;
constexpr size_t kLoopLines = 16;  // 8 KiB of weights
// A step adds two products to a lane, or with widening multiplies one that may be 128.
static_assert(kLoopLines * 4 * 2 * 127 <= 32767 && kLoopLines * 4 * 128 <= 32767);

template <size_t n_tokens>
[[gnu::noinline]] void sum_steps(const uint8_t* weights, size_t n_steps, const int8_t* x,
                                 V (*out)[kLoopRegisters]) {
  int16x8_t sum[n_tokens][kLoopRegisters];
  repeat<n_tokens * kLoopRegisters>([&](auto i) TERN_INLINE_BODY {
    sum[i / kLoopRegisters][i % kLoopRegisters] = vdupq_n_s16(0);
    pin(sum[i / kLoopRegisters][i % kLoopRegisters]);
  });
  do {
    int8x16_t four[n_tokens];
    repeat<n_tokens>([&](auto t) TERN_INLINE_BODY { four[t] = broadcast4(x + 4 * t); });
    repeat<kLoopRegisters>([&](auto r) TERN_INLINE_BODY {
      load_in_order(weights);
      const int8x16_t w = vreinterpretq_s8_u8(vld1q_u8(weights + 16 * r));
      // Cores that do not reorder would wait for each product.
      int8x16_t product[n_tokens];
      repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
        product[t] = vmulq_s8(w, four[t]);
        pin_in_order(product[t]);
      });
      repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
        sum[t][r] = vpadalq_s8(sum[t][r], product[t]);
        pin_in_order(sum[t][r]);
      });
    });
    weights += 16 * kLoopRegisters;
    x += 4 * n_tokens;
  } while (--n_steps > 0);
  repeat<n_tokens * kLoopRegisters>([&](auto i) TERN_INLINE_BODY {
    out[i / kLoopRegisters][i % kLoopRegisters] =
        vpaddlq_s16(sum[i / kLoopRegisters][i % kLoopRegisters]);
  });
}

// One token takes any activations.
template <>
[[gnu::noinline, maybe_unused]] void sum_steps<1>(const uint8_t* weights, size_t n_steps,
                                                  const int8_t* x, V (*out)[kLoopRegisters]) {
  int16x8_t low[kLoopRegisters], high[kLoopRegisters];  // of rows 0 and 1, 2 and 3 of a register
  repeat<kLoopRegisters>([&](auto r) TERN_INLINE_BODY { low[r] = high[r] = vdupq_n_s16(0); });
  do {
    const int8x16_t four = broadcast4(x);
    repeat<kLoopRegisters>([&](auto r) TERN_INLINE_BODY {
      const int8x16_t w = vreinterpretq_s8_u8(vld1q_u8(weights + 16 * r));
      low[r] = vmlal_s8(low[r], vget_low_s8(w), vget_low_s8(four));
      high[r] = vmlal_high_s8(high[r], w, four);
      pin(low[r]);
      pin(high[r]);
    });
    weights += 16 * kLoopRegisters;
    x += 4;
  } while (--n_steps > 0);
  repeat<kLoopRegisters>([&](auto r) TERN_INLINE_BODY {
    out[0][r] = vpaddq_s32(vpaddlq_s16(low[r]), vpaddlq_s16(high[r]));
  });
}

inline bool any_is_minimum(const TernaryProduct& p) {
  for (size_t t = 0; t < p.n_tokens; ++t) {
    const int8_t* x = p.x + t * p.x_stride;
    int8x16_t least = vdupq_n_s8(0);
    for (size_t line = 0; line < p.n_lines; ++line) {
      least = vminq_s8(least, vld1q_s8(x + line * kLineK));
    }
    if (vminvq_s8(least) == -128) return true;
  }
  return false;
}

// Several tokens by `gemm` where their products fit int8, which is wherever quantize_i8 made them
// of finite numbers, and else one by one.
inline void product_of_tokens(const TernaryProduct& p, TernaryProductFn gemv,
                              TernaryProductFn gemm) {
  if (p.n_tokens > 1 && !any_is_minimum(p)) return gemm(p);
  TernaryProduct one = p;
  one.n_tokens = 1;
  for (size_t t = 0; t < p.n_tokens; ++t) {
    gemv(one);
    one.x += p.x_stride;
    one.x_sums += p.n_groups;
    one.x_scales += p.n_groups;
    one.y += p.y_stride;
  }
}
