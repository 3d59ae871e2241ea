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

TEST(SetThreadAffinity, RefusesAnEmptyList) { EXPECT_FALSE(set_thread_affinity({})); }

TEST(CoreLeaders, AreAsManyAsThePhysicalCores) {
  const auto leaders = core_leaders("/sys", usable_cpus("/sys"));
  EXPECT_EQ(static_cast<int>(leaders.size()), cpu_topology().n_physical);
}

}  // namespace
}  // namespace tern
