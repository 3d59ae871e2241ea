// The inner loop of code_loop.h for the x86 sets, two registers of codes 0, 1, 2 against a
// broadcast of each token's activations. The including file defines, in an unnamed namespace of its
// own ISA namespace, before it:
//
//   using V                            a register of codes, of four activations, of sums
//   V load(const void* p)              aligned
//   V broadcast4(const int8_t* x), V broadcast_i32(int32_t v), V zero_sums()
//   void add_products(V& sum, V codes, V four)
//   V widen(V sum)                     to int32 lanes, one a row
//
// REQUIRES kernel_table.h and repeat.h; included before code_loop.h.

namespace {

constexpr size_t kLoopRegisters = 2;

inline V start_sum(int32_t minus_sum) { return broadcast_i32(minus_sum); }

template <size_t n_tokens>
[[gnu::noinline]] void sum_steps(const uint8_t* codes, size_t n_steps, const int8_t* x,
                                 V (*out)[kLoopRegisters]) {
  V sum[n_tokens][kLoopRegisters];
  repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
    sum[t][0] = zero_sums();
    sum[t][1] = zero_sums();
  });
  do {
    const V low = load(codes);
    const V high = load(codes + sizeof(V));
    repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
      const V four = broadcast4(x + 4 * t);
      add_products(sum[t][0], low, four);
      add_products(sum[t][1], high, four);
    });
    codes += kLoopRegisters * sizeof(V);
    x += 4 * n_tokens;
  } while (--n_steps > 0);
  repeat<n_tokens>([&](auto t) TERN_INLINE_BODY {
    out[t][0] = widen(sum[t][0]);
    out[t][1] = widen(sum[t][1]);
  });
}

}  // namespace
