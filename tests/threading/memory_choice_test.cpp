#include "threading/memory_choice.h"

#include <gtest/gtest.h>

#include "support/fake_tree.h"

namespace tern {
namespace {

const HugePageInfo kMadvise = {"madvise", 2 << 20, 0};

MemoryChoice choice_of(NumaMode numa, const std::vector<int>& nodes, bool pinned) {
  auto choice = choose_memory(HugePages::kAuto, numa, kMadvise, nodes, pinned);
  EXPECT_TRUE(choice);
  return std::move(choice).value();
}

TEST(MemoryNodes, AreThoseWithMemoryThatTheProcessMayUse) {
  test::FakeTree sys, proc;
  EXPECT_TRUE(memory_nodes(sys.root(), proc.root()).empty());
  sys.write("devices/system/node/has_memory", "0-2,5");
  EXPECT_EQ(memory_nodes(sys.root(), proc.root()), (std::vector<int>{0, 1, 2, 5}));
  proc.write("self/status", "Name:\ttern\nMems_allowed_list:\t1,5-7");
  EXPECT_EQ(memory_nodes(sys.root(), proc.root()), (std::vector<int>{1, 5}));
}

TEST(MemoryChoice, OneNodeIsLeftAlone) {
  for (const NumaMode numa : {NumaMode::kAuto, NumaMode::kInterleave, NumaMode::kOff}) {
    for (const std::vector<int>& nodes : {std::vector<int>{}, std::vector<int>{0}}) {
      EXPECT_TRUE(choice_of(numa, nodes, false).placement.interleave_nodes.empty());
    }
  }
  EXPECT_EQ(choice_of(NumaMode::kAuto, {0}, false).numa_reason, "one memory node");
}

TEST(MemoryChoice, SeveralNodesAreInterleavedUnlessWorkersArePinned) {
  const std::vector<int> nodes = {0, 1};
  const MemoryChoice loose = choice_of(NumaMode::kAuto, nodes, false);
  EXPECT_EQ(loose.placement.interleave_nodes, nodes);
  EXPECT_FALSE(loose.placement.interleave_or_fail);
  EXPECT_EQ(loose.numa_reason, "interleaved over 2 memory nodes");
  const MemoryChoice pinned = choice_of(NumaMode::kAuto, nodes, true);
  EXPECT_TRUE(pinned.placement.interleave_nodes.empty());
  EXPECT_NE(pinned.numa_reason.find("own node"), std::string::npos);
}

TEST(MemoryChoice, RequestsForNodesAreFollowed) {
  const std::vector<int> nodes = {0, 1};
  for (const bool pinned : {false, true}) {
    const MemoryChoice interleaved = choice_of(NumaMode::kInterleave, nodes, pinned);
    EXPECT_EQ(interleaved.placement.interleave_nodes, nodes);
    EXPECT_TRUE(interleaved.placement.interleave_or_fail);
    EXPECT_TRUE(choice_of(NumaMode::kOff, nodes, pinned).placement.interleave_nodes.empty());
  }
}

TEST(MemoryChoice, HugePagesOnIsRefusedWhereTheSystemHasNone) {
  for (const char* setting : {"never", ""}) {
    const auto choice =
        choose_memory(HugePages::kOn, NumaMode::kAuto, {setting, 2 << 20, 0}, {0}, false);
    ASSERT_FALSE(choice) << setting;
    EXPECT_EQ(choice.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(choice.error().hint.find("transparent_hugepage"), std::string::npos);
  }
  for (const char* setting : {"madvise", "always"}) {
    const auto choice =
        choose_memory(HugePages::kOn, NumaMode::kAuto, {setting, 2 << 20, 0}, {0}, false);
    ASSERT_TRUE(choice) << setting;
    EXPECT_EQ(choice->placement.huge_pages, HugePages::kOn);
  }
}

TEST(MemoryChoice, OtherWishesForHugePagesAreAlwaysGranted) {
  for (const char* setting : {"never", "", "madvise", "always"}) {
    for (const HugePages wish : {HugePages::kAuto, HugePages::kOff}) {
      const auto choice = choose_memory(wish, NumaMode::kAuto, {setting, 2 << 20, 0}, {0}, false);
      ASSERT_TRUE(choice);
      EXPECT_EQ(choice->placement.huge_pages, wish);
    }
  }
}

}  // namespace
}  // namespace tern
