#include "tune/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tern::tuning {
namespace {

using Counts = std::vector<int>;

CpuTopology cores(int n_physical, int n_logical, double quota = 0.0, int n_performance = 0) {
  CpuTopology topology;
  topology.n_physical = n_physical;
  topology.n_logical = n_logical;
  topology.quota_cores = quota;
  topology.n_performance = n_performance;
  return topology;
}

TEST(ThreadCounts, AreAllOfAFewCores) {
  EXPECT_EQ(thread_counts(cores(1, 1)), (Counts{1}));
  EXPECT_EQ(thread_counts(cores(2, 2)), (Counts{2, 1}));
  EXPECT_EQ(thread_counts(cores(6, 6)), (Counts{6, 5, 4, 3, 2, 1}));
}

TEST(ThreadCounts, SpreadOverManyCores) {
  for (const int n : {9, 12, 64, 192, 1000}) {
    const Counts counts = thread_counts(cores(n, n));
    EXPECT_LE(counts.size(), 8u);
    EXPECT_GE(counts.size(), 6u);
    EXPECT_EQ(counts.front(), n);
    EXPECT_EQ(counts.back(), 1);
    EXPECT_TRUE(std::is_sorted(counts.rbegin(), counts.rend()));
    EXPECT_EQ(std::adjacent_find(counts.begin(), counts.end()), counts.end());
  }
}

TEST(ThreadCounts, HoldAllHardwareThreadsWhereCoresHaveTwo) {
  EXPECT_EQ(thread_counts(cores(2, 4)), (Counts{4, 2, 1}));
  EXPECT_EQ(thread_counts(cores(64, 128)).front(), 128);
}

TEST(ThreadCounts, HoldTheFastCoresOfAHybridCpu) {
  // 6 performance and 8 efficiency cores, 20 hardware threads.
  const Counts counts = thread_counts(cores(14, 20, 0.0, 6));
  EXPECT_NE(std::find(counts.begin(), counts.end(), 6), counts.end());
  EXPECT_NE(std::find(counts.begin(), counts.end(), 14), counts.end());
  EXPECT_EQ(counts.front(), 20);
}

TEST(ThreadCounts, StayWithinTheQuota) {
  EXPECT_EQ(thread_counts(cores(8, 16, 2.5)), (Counts{3, 2, 1}));
  EXPECT_EQ(thread_counts(cores(8, 16, 0.2)), (Counts{1}));
  EXPECT_EQ(thread_counts(cores(2, 4, 3.0)), (Counts{3, 2, 1}));
  EXPECT_EQ(thread_counts(cores(2, 4, 1e300)), (Counts{4, 2, 1}));
}

CpuInfo cpu(std::vector<IsaInfo> isas) {
  CpuInfo info;
  info.isas = std::move(isas);
  return info;
}

TEST(KernelSets, AreTheTwoBestOfTheCpu) {
  const std::vector<IsaInfo> four = {{"scalar", true, "", "loop"},
                                     {"avx2", true, "", "vpmaddubsw"},
                                     {"avxvnni", true, "", "vpdpbusd ymm"},
                                     {"avx512vnni", true, "", "vpdpbusd zmm"}};
  EXPECT_EQ(kernel_sets(cpu(four)), (std::vector<std::string>{"avx512vnni", "avxvnni"}));
  std::vector<IsaInfo> lacking = four;
  lacking[3].supported = false;
  EXPECT_EQ(kernel_sets(cpu(lacking)), (std::vector<std::string>{"avxvnni", "avx2"}));
}

TEST(KernelSets, AreOnlyTheBestOfThoseThatMultiplyAlike) {
  const std::vector<IsaInfo> sets = {{"scalar", true, "", "loop"},
                                     {"avx2", true, "", "vpmaddubsw"},
                                     {"avx512vnni", true, "", "vpdpbusd zmm"},
                                     {"avx512vbmi", true, "", "vpdpbusd zmm"}};
  EXPECT_EQ(kernel_sets(cpu(sets)), (std::vector<std::string>{"avx512vbmi", "avx2"}));
}

TEST(Layouts, BeginWithTheDefaultAndHoldLookupWhereItMayWin) {
  EXPECT_EQ(layouts("avx512vbmi"),
            (std::vector<WeightsLayout>{WeightsLayout::kT2, WeightsLayout::kT5}));
  EXPECT_EQ(layouts("neon"), (std::vector<WeightsLayout>{WeightsLayout::kT2, WeightsLayout::kT5,
                                                         WeightsLayout::kL2}));
}

TEST(KernelSets, AreScalarOnlyWhereThereIsNothingElse) {
  EXPECT_EQ(kernel_sets(cpu({{"scalar", true, ""}, {"avx2", true, ""}})),
            std::vector<std::string>{"avx2"});
  EXPECT_EQ(kernel_sets(cpu({{"scalar", true, ""}, {"avx2", false, ""}})),
            std::vector<std::string>{"scalar"});
}

}  // namespace
}  // namespace tern::tuning
