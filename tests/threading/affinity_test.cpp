#include "threading/affinity.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

#include "tern/cpu.h"
#include "threading/topology.h"

namespace tern {
namespace {

TEST(CpuPin, KeepsTheThreadOnOneCpuAndGivesBackTheOthers) {
  const auto before = thread_affinity();
  ASSERT_TRUE(before);
  for (const int cpu : *before) {
    {
      const CpuPin pin(cpu);
      EXPECT_EQ(thread_affinity(), std::vector<int>{cpu});
      EXPECT_EQ(::sched_getcpu(), cpu);
    }
    EXPECT_EQ(thread_affinity(), before);
  }
}

TEST(CpuPin, LeavesOtherThreadsAlone) {
  const auto before = thread_affinity();
  ASSERT_TRUE(before);
  std::optional<std::vector<int>> other;
  std::thread thread([&] {
    const CpuPin pin(before->front());
    other = thread_affinity();
  });
  thread.join();
  EXPECT_EQ(other, std::vector<int>{before->front()});
  EXPECT_EQ(thread_affinity(), before);
}

TEST(CpuPin, DoesNothingForACpuThatIsNotThere) {
  const auto before = thread_affinity();
  for (const int cpu : {65000, 1 << 20}) {
    const CpuPin pin(cpu);
    EXPECT_EQ(thread_affinity(), before);
  }
}

TEST(CpuPin, LeavesAThreadAloneThatHasOtherCpusThanExpected) {
  const auto before = thread_affinity();
  ASSERT_TRUE(before);
  {
    const CpuPin pin(before->front(), CpuMask::of({before->data(), before->size()}));
    EXPECT_TRUE(pin.active());
    EXPECT_EQ(thread_affinity(), std::vector<int>{before->front()});
  }
  EXPECT_EQ(thread_affinity(), before);
  const std::vector<int> others = {before->front(), 60000};
  const CpuPin pin(before->front(), CpuMask::of(others));
  EXPECT_FALSE(pin.active());
  EXPECT_EQ(thread_affinity(), before);
}

TEST(CpuMask, ListsWhatItIsMadeOf) {
  const std::vector<int> cpus = {0, 5, 63, 64, 1000, CpuMask::kMostCpus - 1};
  EXPECT_EQ(CpuMask::of(cpus).list(), cpus);
  const std::vector<int> outside = {-1, CpuMask::kMostCpus};
  EXPECT_EQ(CpuMask::of(outside), CpuMask());
}

TEST(CpuMask, RefusesToApplyAnEmptyOne) { EXPECT_FALSE(CpuMask().apply()); }

TEST(CoreLeaders, AreAsManyAsThePhysicalCores) {
  const auto leaders = core_leaders("/sys", usable_cpus("/sys"));
  EXPECT_EQ(static_cast<int>(leaders.size()), cpu_topology().n_physical);
}

}  // namespace
}  // namespace tern
