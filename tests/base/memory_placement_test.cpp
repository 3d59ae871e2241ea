#include "base/memory_placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/aligned_buffer.h"

namespace tern {
namespace {

constexpr size_t kBytes = 4 * kHugePageBytes;

// What /proc/self/smaps says of the mapping that holds an address: "AnonHugePages", "VmFlags".
std::string smaps_field(const void* address, const std::string& key) {
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  std::ifstream smaps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    char* end = nullptr;
    const auto begin = std::strtoull(line.c_str(), &end, 16);
    if (end != line.c_str() && *end == '-') {
      inside = begin <= wanted && wanted < std::strtoull(end + 1, nullptr, 16);
    } else if (inside && line.starts_with(key + ":")) {
      return line.substr(key.size() + 1);
    }
  }
  return "";
}

AlignedBuffer placed(const MemoryPlacement& placement) {
  auto buffer = AlignedBuffer::allocate(kBytes, placement);
  EXPECT_TRUE(buffer) << buffer.error().message;
  return std::move(buffer).value();
}

bool has_huge_pages() {
  return std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled").good();
}

TEST(MemoryPlacement, AsksForHugePagesUnlessTheyAreOff) {
  if (!has_huge_pages()) GTEST_SKIP() << "a kernel without transparent huge pages";
  for (const HugePages mode : {HugePages::kAuto, HugePages::kOn, HugePages::kOff}) {
    MemoryPlacement placement;
    placement.huge_pages = mode;
    const AlignedBuffer buffer = placed(placement);
    // hg: asked for, nh: refused (proc(5)).
    const std::string flags = smaps_field(buffer.data(), "VmFlags");
    if (flags.empty()) GTEST_SKIP() << "smaps without flags";
    EXPECT_EQ(flags.find(" hg") != std::string::npos, mode != HugePages::kOff) << flags;
    EXPECT_EQ(flags.find(" nh") != std::string::npos, mode == HugePages::kOff) << flags;
  }
}

TEST(MemoryPlacement, OffHasNoHugePagesEvenWhereTheSystemGivesThemUnasked) {
  MemoryPlacement placement;
  placement.huge_pages = HugePages::kOff;
  AlignedBuffer buffer = placed(placement);
  std::fill_n(buffer.data(), kBytes, uint8_t{1});
  const std::string bytes = smaps_field(buffer.data(), "AnonHugePages");
  if (bytes.empty()) GTEST_SKIP() << "smaps without sizes";
  EXPECT_EQ(std::strtoull(bytes.c_str(), nullptr, 10), 0u);
}

TEST(MemoryPlacement, InterleavesOverNodesThatThereAre) {
  MemoryPlacement placement;
  placement.interleave_nodes = {0};
  AlignedBuffer buffer = placed(placement);
  std::fill_n(buffer.data(), kBytes, uint8_t{1});
  EXPECT_EQ(buffer.data()[kBytes - 1], 1);
}

TEST(MemoryPlacement, ANodeThatIsNotThereFailsOnlyWhereItWasAskedFor) {
  for (const int node : {-1, 1000, 5000}) {
    MemoryPlacement placement;
    placement.interleave_nodes = {node};
    EXPECT_TRUE(AlignedBuffer::allocate(kBytes, placement)) << node;
    placement.interleave_or_fail = true;
    const auto buffer = AlignedBuffer::allocate(kBytes, placement);
    ASSERT_FALSE(buffer) << node;
    EXPECT_EQ(buffer.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(buffer.error().hint.find("--numa off"), std::string::npos);
  }
}

}  // namespace
}  // namespace tern
