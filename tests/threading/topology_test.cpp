// Cores, caches and quotas of machines that are only files.
#include "threading/topology.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "support/fake_tree.h"

namespace tern {
namespace {

const std::string kCpus = "devices/system/cpu/";

class TopologyTest : public testing::Test {
 protected:
  void add_cpu(int cpu, const std::string& siblings) {
    sys_.write(cpu_path(cpu) + "topology/core_cpus_list", siblings);
  }
  void add_cache(int cpu, int index, const std::string& level, const std::string& type,
                 const std::string& size, const std::string& shared) {
    const std::string folder = cpu_path(cpu) + "cache/index" + std::to_string(index) + "/";
    sys_.write(folder + "level", level);
    sys_.write(folder + "type", type);
    sys_.write(folder + "size", size);
    sys_.write(folder + "shared_cpu_list", shared);
  }
  static std::string cpu_path(int cpu) { return kCpus + "cpu" + std::to_string(cpu) + "/"; }

  CpuTopology read(const std::vector<int>& usable) {
    return read_topology(sys_.root(), proc_.root(), usable);
  }
  /// "L1 data 2 x 49152, ..."
  static std::string describe(const std::vector<CacheInfo>& caches) {
    std::string text;
    for (const CacheInfo& cache : caches) {
      text += (text.empty() ? "L" : ", L") + std::to_string(cache.level) + " " + cache.type + " " +
              std::to_string(cache.n_instances) + " x " + std::to_string(cache.bytes);
    }
    return text;
  }

  test::FakeTree sys_;
  test::FakeTree proc_;
};

/// Four cores with two threads each, numbered as Intel does: thread 1 of all cores comes after
/// thread 0 of all cores. Cores share a second-level cache by pairs and the third all together.
class SmtTest : public TopologyTest {
 protected:
  SmtTest() {
    sys_.write(kCpus + "online", "0-7");
    for (int cpu = 0; cpu < 8; ++cpu) {
      const int core = cpu % 4;
      const std::string own = std::to_string(core) + "," + std::to_string(core + 4);
      const std::string pair = core < 2 ? "0-1,4-5" : "2-3,6-7";
      add_cpu(cpu, own);
      add_cache(cpu, 0, "1", "Data", "32K", own);
      add_cache(cpu, 1, "1", "Instruction", "64K", own);
      add_cache(cpu, 2, "2", "Unified", "1M", pair);
      add_cache(cpu, 3, "3", "Unified", "16384K", "0-7");
      sys_.write("devices/system/node/node0/cpulist", "0-3");
      sys_.write("devices/system/node/node1/cpulist", "4-7");
    }
  }
};

TEST_F(SmtTest, ThreadsOfACoreCountOnce) {
  const CpuTopology topology = read({0, 1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(topology.n_online, 8);
  EXPECT_EQ(topology.n_logical, 8);
  EXPECT_EQ(topology.n_physical, 4);
  EXPECT_EQ(topology.n_performance, 0);
  EXPECT_EQ(topology.n_efficiency, 0);
  EXPECT_EQ(topology.n_numa_nodes, 2);
  EXPECT_EQ(topology.n_default_threads, 4);
  EXPECT_EQ(describe(topology.caches),
            "L1 data 4 x 32768, L1 instruction 4 x 65536, L2 unified 2 x 1048576, "
            "L3 unified 1 x 16777216");
  EXPECT_EQ(topology.last_level_cache_bytes, 16u << 20);
}

TEST_F(SmtTest, OnlyUsableThreadsAndTheirCachesCount) {
  const CpuTopology topology = read({2, 5, 6});  // core 2 with both threads, core 1 with one
  EXPECT_EQ(topology.n_online, 8);
  EXPECT_EQ(topology.n_logical, 3);
  EXPECT_EQ(topology.n_physical, 2);
  EXPECT_EQ(topology.n_numa_nodes, 2);
  EXPECT_EQ(describe(topology.caches),
            "L1 data 2 x 32768, L1 instruction 2 x 65536, L2 unified 2 x 1048576, "
            "L3 unified 1 x 16777216");
  EXPECT_EQ(read({4, 5}).n_numa_nodes, 1);
  EXPECT_EQ(describe(read({4, 5}).caches),
            "L1 data 2 x 32768, L1 instruction 2 x 65536, L2 unified 1 x 1048576, "
            "L3 unified 1 x 16777216");
}

TEST_F(SmtTest, TheOlderNameOfTheSiblingListIsRead) {
  for (int cpu = 0; cpu < 8; ++cpu) {
    std::filesystem::rename(sys_.path(cpu_path(cpu) + "topology/core_cpus_list"),
                            sys_.path(cpu_path(cpu) + "topology/thread_siblings_list"));
  }
  EXPECT_EQ(read({0, 1, 2, 3, 4, 5, 6, 7}).n_physical, 4);
}

TEST_F(SmtTest, ListsThatMakeNoSenseAreLeftOut) {
  for (const char* nonsense : {"", "x", "3-1", "7", "0-99999999"}) {
    add_cpu(0, nonsense);  // "7" does not hold CPU 0 itself
    EXPECT_EQ(read({0, 1}).n_physical, 2) << nonsense;
  }
}

TEST_F(SmtTest, CachesThatMakeNoSenseAreLeftOut) {
  const std::string rest =
      "L1 instruction 1 x 65536, L2 unified 1 x 1048576, "
      "L3 unified 1 x 16777216";
  add_cache(0, 0, "0", "Data", "32K", "0");
  EXPECT_EQ(describe(read({0}).caches), rest);
  add_cache(0, 0, "1", "Data", "0K", "0");
  EXPECT_EQ(describe(read({0}).caches), rest);
  add_cache(0, 0, "1", "Data", "lots", "0");
  EXPECT_EQ(describe(read({0}).caches), rest);
  add_cache(0, 0, "1", "Trace", "32K", "0");
  EXPECT_EQ(describe(read({0}).caches), rest);
  // Whom it is shared with decides the count alone: then the cache is that CPU's own.
  add_cache(0, 0, "1", "Data", "32K", "garbage");
  EXPECT_EQ(describe(read({0}).caches), "L1 data 1 x 32768, " + rest);
}

TEST_F(TopologyTest, AnEmptyTreeMakesEveryThreadACoreOfItsOwn) {
  const CpuTopology topology = read({0, 3});
  EXPECT_EQ(topology.n_online, 2);
  EXPECT_EQ(topology.n_logical, 2);
  EXPECT_EQ(topology.n_physical, 2);
  EXPECT_EQ(topology.n_numa_nodes, 1);
  EXPECT_EQ(topology.n_default_threads, 2);
  EXPECT_TRUE(topology.caches.empty());
  EXPECT_EQ(topology.last_level_cache_bytes, 0u);
  EXPECT_EQ(topology.quota_cores, 0.0);
}

/// Two performance cores with two threads each, four efficiency cores with one.
class HybridTest : public TopologyTest {
 protected:
  HybridTest() {
    for (int cpu = 0; cpu < 8; ++cpu) {
      const std::string own = cpu < 2 ? "0-1" : cpu < 4 ? "2-3" : std::to_string(cpu);
      add_cpu(cpu, own);
      add_cache(cpu, 0, "1", "Data", cpu < 4 ? "48K" : "32K", own);
      add_cache(cpu, 2, "2", "Unified", "2048K", cpu < 4 ? own : "4-7");
      add_cache(cpu, 3, "3", "Unified", "12M", "0-7");
    }
    sys_.write("devices/cpu_core/cpus", "0-3");
    sys_.write("devices/cpu_atom/cpus", "4-7");
  }
};

TEST_F(HybridTest, CoresAreCountedByKind) {
  const CpuTopology topology = read({0, 1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(topology.n_physical, 6);
  EXPECT_EQ(topology.n_performance, 2);
  EXPECT_EQ(topology.n_efficiency, 4);
  EXPECT_EQ(describe(topology.caches),
            "L1 data 2 x 49152, L1 data 4 x 32768, L2 unified 3 x 2097152, "
            "L3 unified 1 x 12582912");
  EXPECT_EQ(topology.last_level_cache_bytes, 12u << 20);
}

TEST_F(HybridTest, TheAffinityMaskDecidesWhichKindsCount) {
  EXPECT_EQ(read({0, 1, 2, 3}).n_performance, 2);
  EXPECT_EQ(read({0, 1, 2, 3}).n_efficiency, 0);
  EXPECT_EQ(read({4, 5}).n_performance, 0);
  EXPECT_EQ(read({4, 5}).n_efficiency, 2);
}

TEST_F(HybridTest, LowPowerCoresAreEfficiencyCores) {
  sys_.write("devices/cpu_atom/cpus", "4-5");
  sys_.write("devices/cpu_lowpower/cpus", "6-7");
  EXPECT_EQ(read({0, 1, 2, 3, 4, 5, 6, 7}).n_efficiency, 4);
}

TEST_F(HybridTest, OneKindAloneIsNoHybrid) {
  sys_.remove("devices/cpu_atom");
  EXPECT_EQ(read({0, 2, 4}).n_performance, 0);
  sys_.write("devices/cpu_atom/cpus", "four");
  EXPECT_EQ(read({0, 2, 4}).n_performance, 0);
}

class CapacityTest : public TopologyTest {
 protected:
  /// One core per capacity; "performance/efficiency".
  std::string kinds(const std::vector<std::string>& capacities) {
    sys_.remove(kCpus);
    std::vector<int> usable;
    for (size_t i = 0; i < capacities.size(); ++i) {
      const int cpu = static_cast<int>(i);
      sys_.write(cpu_path(cpu) + "cpu_capacity", capacities[i]);
      usable.push_back(cpu);
    }
    const CpuTopology topology = read(usable);
    return std::to_string(topology.n_performance) + "/" + std::to_string(topology.n_efficiency);
  }
};

TEST_F(CapacityTest, CoresArePartedAtTheWidestGap) {
  EXPECT_EQ(kinds({"397", "397", "397", "397", "1024", "1024", "1024", "1024"}), "4/4");
  EXPECT_EQ(kinds({"325", "325", "325", "700", "700", "690", "690", "1024"}), "5/3");
  EXPECT_EQ(kinds({"523", "523", "1024", "1024"}), "2/2");
}

TEST_F(CapacityTest, ClocksThatDifferALittleMakeNoKinds) {
  EXPECT_EQ(kinds({"1024", "1024", "815", "815"}), "0/0");
  EXPECT_EQ(kinds({"1024", "1024", "1024"}), "0/0");
  EXPECT_EQ(kinds({"0", "x", "1024"}), "0/0");
}

TEST_F(CapacityTest, LittleCoresAreLittleBesideUnusableBigOnes) {
  kinds({"397", "397", "1024", "1024"});
  EXPECT_EQ(read({0, 1}).n_efficiency, 2);
  EXPECT_EQ(read({0, 1}).n_performance, 0);
}

class QuotaTest : public TopologyTest {
 protected:
  double quota() { return read({0, 1, 2, 3}).quota_cores; }
};

TEST_F(QuotaTest, TheLeastOfAllGroupsAboveCounts) {
  proc_.write("self/cgroup", "0::/user.slice/a.scope");
  sys_.write("fs/cgroup/user.slice/cpu.max", "250000 100000");
  EXPECT_EQ(quota(), 2.5);
  EXPECT_EQ(read({0, 1, 2, 3}).n_default_threads, 3);
  sys_.write("fs/cgroup/user.slice/a.scope/cpu.max", "max 100000");
  EXPECT_EQ(quota(), 2.5);
  sys_.write("fs/cgroup/user.slice/a.scope/cpu.max", "50000 100000");
  EXPECT_EQ(quota(), 0.5);
  EXPECT_EQ(read({0, 1, 2, 3}).n_default_threads, 1);
  sys_.write("fs/cgroup/user.slice/a.scope/cpu.max", "99999999999999999 1");
  EXPECT_EQ(quota(), 2.5);
  sys_.write("fs/cgroup/user.slice/cpu.max", "99999999999999999 1");
  EXPECT_EQ(read({0, 1, 2, 3}).n_default_threads, 4);
}

TEST_F(QuotaTest, VersionOneIsReadToo) {
  proc_.write("self/cgroup", "3:cpuset:/x\n2:cpu,cpuacct:/docker/abc\n1:name=systemd:/");
  // In a container the group's own folder is the root of what is mounted.
  sys_.write("fs/cgroup/cpu/cpu.cfs_quota_us", "150000");
  sys_.write("fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota(), 1.5);
  sys_.write("fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
  EXPECT_EQ(quota(), 0.0);
}

TEST_F(QuotaTest, GarbageIsNoQuota) {
  for (const char* group : {"", ":", "0", "0::", "0::/../..", "0::relative", "::::::"}) {
    proc_.write("self/cgroup", group);
    for (const char* text : {"", "max", "1 0", "0 100000", "-5 100000", "x y", "100000"}) {
      sys_.write("fs/cgroup/cpu.max", text);
      EXPECT_EQ(quota(), 0.0) << group << " / " << text;
    }
  }
  proc_.write("self/cgroup", "0::/../..");
  sys_.write("fs/cgroup/cpu.max", "100000 100000");
  EXPECT_EQ(quota(), 1.0);
}

TEST(Topology, UsableCpusAreThoseOfThisProcess) {
  const std::vector<int> usable = usable_cpus("/sys");
  ASSERT_FALSE(usable.empty());
  EXPECT_TRUE(std::is_sorted(usable.begin(), usable.end()));
  EXPECT_EQ(cpu_topology().n_logical, static_cast<int>(usable.size()));
  EXPECT_GE(cpu_topology().n_online, cpu_topology().n_logical);
}

}  // namespace
}  // namespace tern
