// The start-up self-test passes on this machine, and finds every entry of the table that is wrong:
// one that does nothing, and one that is wrong in the last bit of its last result.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "kernels/cpu_features.h"
#include "kernels/dispatch.h"
#include "kernels/half.h"
#include "tests/kernels/isas.h"

namespace tern::kernels {
namespace {

KernelTable scalar() { return make_table(*find_isa("scalar")); }

TEST(SelfTest, PassesForEveryIsaOfThisCpu) {
  for (const Isa* isa : test::runnable_isas()) {
    const SelfTestResult result = self_test(make_table(*isa));
    EXPECT_TRUE(result.passed) << isa->name << " " << result.failed_entry;
    EXPECT_GE(result.n_comparisons, static_cast<int>(entry_count()));
  }
}

// A function of any type that leaves its results as they are.
template <typename R, typename... Args>
R nothing(Args...) noexcept {
  return R();
}
template <typename R, typename... Args>
auto nothing_like(R (*)(Args...) noexcept) -> R (*)(Args...) noexcept {
  return &nothing<R, Args...>;
}

TEST(SelfTest, NamesAnyEntryThatDoesNothing) {
  for (const Isa* isa : test::runnable_isas()) {
#define TERN_BREAK_ENTRY(entry, type)                          \
  {                                                            \
    KernelTable table = make_table(*isa);                      \
    table.entry = nothing_like(table.entry);                   \
    const SelfTestResult result = self_test(table);            \
    EXPECT_FALSE(result.passed) << isa->name << " " << #entry; \
    EXPECT_STREQ(result.failed_entry, #entry) << isa->name;    \
  }
    TERN_KERNEL_ENTRIES(TERN_BREAK_ENTRY)
#undef TERN_BREAK_ENTRY
  }
}

// The last bit of a result.
void flip(float& x) { x = f32_from_bits(f32_bits(x) ^ 1u); }
void flip(int8_t& x) { x = static_cast<int8_t>(x ^ 1); }
void flip(uint16_t& x) { x = static_cast<uint16_t>(x ^ 1u); }

// What an entry gives, wrong in its last result. Those that return something return it wrong.
void spoil(const TernaryProduct& p) { flip(p.y[(p.n_tokens - 1) * p.y_stride + p.n_rows - 1]); }
void spoil(const DenseProduct& p) { flip(p.y[(p.n_tokens - 1) * p.y_stride + p.n_rows - 1]); }
void spoil(const DenseI8Product& p) { flip(p.y[(p.n_tokens - 1) * p.y_stride + p.n_rows - 1]); }
void spoil(const AttentionBlock& b) {
  const size_t last = b.n_queries - 1;
  flip(b.out[last / b.n_rep * b.out_stride + (last % b.n_rep + 1) * b.head_dim - 1]);
}
void spoil(const float*, size_t n, int8_t* q, uint16_t*) { flip(q[n - 1]); }
void spoil(float* acc, float, const float*, float, size_t n) { flip(acc[n - 1]); }
void spoil(const float*, const float*, float* y, size_t n, float) { flip(y[n - 1]); }
void spoil(const float*, size_t n, size_t, size_t, int8_t* q, float*, int32_t*) { flip(q[n - 1]); }
void spoil(const float*, const float*, float* out, size_t n) { flip(out[n - 1]); }
void spoil(float* x, const float*, size_t n) { flip(x[n - 1]); }
void spoil(float* x, float, size_t n) { flip(x[n - 1]); }
void spoil(float* head, const float*, const float*, size_t n_pairs) { flip(head[2 * n_pairs - 1]); }
void spoil(const float*, uint16_t* y, size_t n) { flip(y[n - 1]); }
void spoil(const uint16_t*, float* y, size_t n) { flip(y[n - 1]); }

template <auto entry, typename Fn>
struct Spoiled;
template <auto entry, typename R, typename... Args>
struct Spoiled<entry, R (*)(Args...) noexcept> {
  static R run(Args... args) noexcept {
    static const KernelTable table = scalar();
    if constexpr (std::is_void_v<R>) {
      (table.*entry)(args...);
      spoil(args...);
    } else if constexpr (std::is_same_v<R, float>) {
      float result = (table.*entry)(args...);
      flip(result);
      return result;
    } else {
      return (table.*entry)(args...) ^ 1u;
    }
  }
};

TEST(SelfTest, NamesAnyEntryThatIsWrongInOneBit) {
#define TERN_SPOIL_ENTRY(entry, type)                      \
  {                                                        \
    KernelTable table = scalar();                          \
    table.entry = Spoiled<&KernelTable::entry, type>::run; \
    const SelfTestResult result = self_test(table);        \
    EXPECT_FALSE(result.passed) << #entry;                 \
    EXPECT_STREQ(result.failed_entry, #entry);             \
  }
  TERN_KERNEL_ENTRIES(TERN_SPOIL_ENTRY)
#undef TERN_SPOIL_ENTRY
}

// A kernel that is wrong in one row of one shape only.
void broken_product(const TernaryProduct& p) noexcept {
  scalar().ternary_gemm_t2(p);
  if (p.n_rows == 33) p.y[32] += 1.0f;
}

void broken_t5_product(const TernaryProduct& p) noexcept {
  scalar().ternary_gemm_t5(p);
  if (p.n_groups == 6) p.y[0] += 1.0f;
}

TEST(SelfTest, FindsAProductThatIsWrongInOneShapeOnly) {
  KernelTable table = scalar();
  table.ternary_gemm_t2 = broken_product;
  EXPECT_STREQ(self_test(table).failed_entry, "ternary_gemm_t2");
  table = scalar();
  table.ternary_gemv_t5 = broken_t5_product;
  EXPECT_STREQ(self_test(table).failed_entry, "ternary_gemv_t5");
}

}  // namespace
}  // namespace tern::kernels
