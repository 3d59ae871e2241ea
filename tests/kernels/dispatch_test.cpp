#include "kernels/dispatch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>

#include "kernels/cpu_features.h"
#include "tests/kernels/isas.h"

namespace tern::kernels {
namespace {

TEST(Dispatch, ScalarComesFirstAndNeedsNothing) {
  size_t count = 0;
  const Isa* first = isas(&count);
  ASSERT_GE(count, 1u);
  EXPECT_STREQ(first->name, "scalar");
  EXPECT_EQ(first->required_features, 0u);
}

TEST(Dispatch, EveryTableIsComplete) {
  for (const Isa* isa : test::all_isas()) {
    const KernelTable table = make_table(*isa);
#define TERN_EXPECT_ENTRY(entry, type) EXPECT_NE(table.entry, nullptr) << #entry;
    TERN_KERNEL_ENTRIES(TERN_EXPECT_ENTRY)
#undef TERN_EXPECT_ENTRY
  }
}

TEST(Dispatch, NamesAreFoundAndUnknownOnesAreNot) {
  for (const Isa* isa : test::all_isas()) EXPECT_EQ(find_isa(isa->name), isa);
  EXPECT_EQ(find_isa("sse9"), nullptr);
  EXPECT_EQ(find_isa(""), nullptr);
}

TEST(Dispatch, EntriesAreAttributedToTheSetThatFillsThem) {
  for (const Isa* isa : test::all_isas()) {
    // Every set of this build has a ternary product of its own.
    bool has_product = false;
    for (size_t i = 0; i < entry_count(); ++i) {
      const std::string_view entry = entry_name(i);
      if (entry.substr(0, 8) != "ternary_") continue;
      has_product |= std::string_view(entry_isa(*isa, i)) == isa->name;
    }
    EXPECT_TRUE(has_product) << isa->name;
    for (size_t i = 0; i < entry_count(); ++i) EXPECT_NE(find_isa(entry_isa(*isa, i)), nullptr);
  }
  EXPECT_STREQ(entry_name(0), "ternary_gemv_t2");
}

TEST(SelfTest, PassesForEveryIsaOfThisCpu) {
  for (const Isa* isa : test::all_isas()) {
    if ((isa->required_features & ~detect_features()) != 0) continue;
    const SelfTestResult result = self_test(make_table(*isa));
    EXPECT_TRUE(result.passed) << isa->name << " " << result.failed_entry;
    EXPECT_GT(result.n_comparisons, 10);
  }
}

// A kernel that is wrong in one row of one shape only.
void broken_product(const TernaryProduct& p) noexcept {
  make_table(*find_isa("scalar")).ternary_gemm_t2(p);
  if (p.n_rows == 33) p.y[32] += 1.0f;
}

void broken_t5_product(const TernaryProduct& p) noexcept {
  make_table(*find_isa("scalar")).ternary_gemm_t5(p);
  if (p.n_groups == 6) p.y[0] += 1.0f;
}

TEST(SelfTest, FindsABrokenKernel) {
  KernelTable table = make_table(*find_isa("scalar"));
  table.ternary_gemm_t2 = broken_product;
  EXPECT_STREQ(self_test(table).failed_entry, "ternary_gemm_t2");
  table = make_table(*find_isa("scalar"));
  table.ternary_gemv_t5 = broken_t5_product;
  const SelfTestResult result = self_test(table);
  EXPECT_FALSE(result.passed);
  EXPECT_STREQ(result.failed_entry, "ternary_gemv_t5");
}

}  // namespace
}  // namespace tern::kernels
