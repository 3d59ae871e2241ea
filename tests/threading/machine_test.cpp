#include <gtest/gtest.h>

#include "tern/cpu.h"

namespace tern {
namespace {

TEST(Machine, TopologyIsPlausible) {
  const CpuTopology topology = cpu_topology();
  EXPECT_GE(topology.n_logical, 1);
  EXPECT_GE(topology.n_physical, 1);
  EXPECT_LE(topology.n_physical, topology.n_logical);
  EXPECT_GE(topology.n_default_threads, 1);
  EXPECT_LE(topology.n_default_threads, topology.n_physical);
}

TEST(Machine, MemoryIsPlausible) {
  const MemoryInfo memory = memory_info();
  EXPECT_GT(memory.total_bytes, uint64_t{1} << 26);
  EXPECT_GT(memory.available_bytes, 0u);
  EXPECT_LE(memory.available_bytes, memory.total_bytes);
}

TEST(Machine, ScalarIsAlwaysSupported) {
  const CpuInfo info = cpu_info();
  ASSERT_FALSE(info.isas.empty());
  EXPECT_EQ(info.isas.front().name, "scalar");
  EXPECT_TRUE(info.isas.front().supported);
  EXPECT_FALSE(info.model_name.empty());
}

}  // namespace
}  // namespace tern
