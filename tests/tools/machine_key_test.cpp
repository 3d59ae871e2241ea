#include "machine_key.h"

#include <gtest/gtest.h>

#include <functional>

#include "version.h"

namespace tern::tools {
namespace {

TEST(MachineKey, ChangesWithEverythingThatItNames) {
  const auto key_with = [](const std::function<void(CpuInfo&, CpuTopology&)>& change) {
    CpuInfo cpu;
    cpu.model_name = "Model";
    cpu.features = {"avx2"};
    CpuTopology topology;
    topology.n_logical = 8;
    topology.n_physical = 4;
    change(cpu, topology);
    return machine_key(cpu, topology);
  };
  const std::string base = key_with([](CpuInfo&, CpuTopology&) {});
  EXPECT_EQ(key_with([](CpuInfo&, CpuTopology&) {}), base);
  const std::vector<std::function<void(CpuInfo&, CpuTopology&)>> changes = {
      [](CpuInfo& cpu, CpuTopology&) { cpu.model_name = "Other"; },
      [](CpuInfo& cpu, CpuTopology&) { cpu.features.emplace_back("avx512"); },
      [](CpuInfo&, CpuTopology& t) { t.n_logical = 4; },
      [](CpuInfo&, CpuTopology& t) { t.n_physical = 2; },
      [](CpuInfo&, CpuTopology& t) { t.n_efficiency = 2; },
      [](CpuInfo&, CpuTopology& t) { t.n_numa_nodes = 2; },
      [](CpuInfo&, CpuTopology& t) { t.last_level_cache_bytes = 1; },
      [](CpuInfo&, CpuTopology& t) { t.quota_cores = 1.5; },
  };
  for (size_t i = 0; i < changes.size(); ++i) EXPECT_NE(key_with(changes[i]), base) << i;
}

TEST(MachineKey, NamesTheBinary) {
  EXPECT_TRUE(machine_key().ends_with(binary_key()));
  for (const std::string& part :
       {std::string(version_number()), std::string(commit_name()), compiler_name()}) {
    EXPECT_NE(binary_key().find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace tern::tools
