#include "kernels/dispatch.h"

#include <gtest/gtest.h>

#include <string_view>

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
  for (const Isa* isa : test::runnable_isas()) {
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
  for (const Isa* isa : test::runnable_isas()) {
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

}  // namespace
}  // namespace tern::kernels
