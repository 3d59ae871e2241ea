#include "threading/cpu_info.h"

#include <gtest/gtest.h>

#include "support/fake_tree.h"

namespace tern {
namespace {

std::string model_of(const std::string& cpuinfo) {
  const test::FakeTree proc{{"cpuinfo", cpuinfo}};
  return read_cpu_model(proc.root());
}

TEST(CpuModel, IsTheNameThatTheKernelGives) {
  EXPECT_EQ(model_of("processor\t: 0\nmodel\t\t: 2\nmodel name\t: AMD EPYC 9B14\n\nprocessor\t: 1"),
            "AMD EPYC 9B14");
}

TEST(CpuModel, ArmCoresAreNamedByTheirParts) {
  EXPECT_EQ(model_of("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd05\n\n"
                     "processor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd05\n\n"
                     "processor\t: 2\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b"),
            "Cortex-A55 + Cortex-A76");
  EXPECT_EQ(model_of("CPU implementer\t: 0x61\nCPU part\t: 0x022"),
            "ARM implementer 0x61 part 0x022");
}

TEST(CpuModel, IsUnknownWhenNothingIsSaid) {
  EXPECT_EQ(model_of("processor\t: 0"), "unknown");
  EXPECT_EQ(read_cpu_model("/no/such/folder"), "unknown");
}

}  // namespace
}  // namespace tern
