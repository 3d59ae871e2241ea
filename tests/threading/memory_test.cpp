// Memory limits and huge pages of machines that are only files.
#include "threading/memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "support/fake_tree.h"

namespace tern {
namespace {

constexpr uint64_t kGib = uint64_t{1} << 30;

class MemoryTest : public testing::Test {
 protected:
  MemoryTest() {
    proc_.write("meminfo", "MemTotal:       8388608 kB\nMemAvailable:   4194304 kB");
    proc_.write("self/cgroup", "0::/a/b");
  }
  void SetUp() override {
    struct rlimit limit = {};
    ASSERT_EQ(::getrlimit(RLIMIT_AS, &limit), 0);
    if (limit.rlim_cur != RLIM_INFINITY) GTEST_SKIP() << "ulimit -v hides the limits tested here";
  }
  MemoryInfo read() { return read_memory(sys_.root(), proc_.root()); }

  test::FakeTree sys_;
  test::FakeTree proc_;
};

TEST_F(MemoryTest, TheGroupWithTheLeastRoomDecides) {
  EXPECT_EQ(read().total_bytes, 8 * kGib);
  EXPECT_EQ(read().available_bytes, 4 * kGib);
  sys_.write("fs/cgroup/a/memory.max", std::to_string(2 * kGib));
  sys_.write("fs/cgroup/a/memory.current", std::to_string(kGib / 2));
  EXPECT_EQ(read().total_bytes, 2 * kGib);
  EXPECT_EQ(read().available_bytes, 2 * kGib - kGib / 2);
  sys_.write("fs/cgroup/a/memory.stat", "anon 5\ninactive_file " + std::to_string(kGib / 4));
  EXPECT_EQ(read().available_bytes, 2 * kGib - kGib / 4);
  sys_.write("fs/cgroup/a/b/memory.max", "max");
  sys_.write("fs/cgroup/memory.max", "garbage");
  EXPECT_EQ(read().total_bytes, 2 * kGib);
}

TEST_F(MemoryTest, AGroupBeyondItsLimitHasNextToNothing) {
  sys_.write("fs/cgroup/a/memory.max", "1000");
  sys_.write("fs/cgroup/a/memory.current", "2000");
  EXPECT_EQ(read().available_bytes, 1u);
}

TEST_F(MemoryTest, VersionOneWithoutALimitIsNoLimit) {
  proc_.write("self/cgroup", "4:memory:/x");
  sys_.write("fs/cgroup/memory/x/memory.limit_in_bytes", "9223372036854771712");
  EXPECT_EQ(read().total_bytes, 8 * kGib);
  sys_.write("fs/cgroup/memory/x/memory.limit_in_bytes", std::to_string(kGib));
  sys_.write("fs/cgroup/memory/x/memory.usage_in_bytes", "0");
  EXPECT_EQ(read().total_bytes, kGib);
}

class HugePagesTest : public testing::Test {
 protected:
  HugePageInfo read() { return read_huge_pages(sys_.root(), proc_.root()); }
  const std::string folder_ = "kernel/mm/transparent_hugepage/";
  test::FakeTree sys_;
  test::FakeTree proc_;
};

TEST_F(HugePagesTest, TheWordInBracketsIsTheSetting) {
  sys_.write(folder_ + "enabled", "always [madvise] never");
  sys_.write(folder_ + "hpage_pmd_size", "2097152");
  proc_.write("self/smaps_rollup", "0-1 ---p 0 00:00 0 [rollup]\nAnonHugePages:    4096 kB");
  EXPECT_EQ(read().transparent, "madvise");
  EXPECT_EQ(read().page_bytes, 2097152u);
  EXPECT_EQ(read().in_use_bytes, 4096u * 1024);
}

TEST_F(HugePagesTest, TheSwitchOfThisSizeWinsOverTheCommonOne) {
  sys_.write(folder_ + "enabled", "[always] madvise never");
  sys_.write(folder_ + "hpage_pmd_size", "2097152");
  sys_.write(folder_ + "hugepages-2048kB/enabled", "always [inherit] madvise never");
  sys_.write(folder_ + "hugepages-64kB/enabled", "always inherit madvise [never]");
  EXPECT_EQ(read().transparent, "always");
  sys_.write(folder_ + "hugepages-2048kB/enabled", "always inherit madvise [never]");
  EXPECT_EQ(read().transparent, "never");
}

TEST_F(HugePagesTest, NothingIsClaimedWithoutTheFiles) {
  EXPECT_EQ(read().transparent, "");
  EXPECT_EQ(read().page_bytes, 0u);
  EXPECT_EQ(read().in_use_bytes, 0u);
  sys_.write(folder_ + "enabled", "always ]madvise[ never");
  EXPECT_EQ(read().transparent, "");
}

TEST(Memory, ThePeakGrowsWithWhatIsTouched) {
  const uint64_t before = peak_resident_bytes();
  ASSERT_GT(before, 0u);
  // More than was ever resident, so that the peak must move whatever was freed before.
  std::vector<unsigned char> more(before + (32u << 20), 1);
  EXPECT_GE(peak_resident_bytes(), before + (16u << 20));
  EXPECT_EQ(more.back(), 1);
}

TEST(Memory, ThePeakStartsAnewWhenAsked) {
  {
    const std::vector<unsigned char> much(256u << 20, 1);
    ASSERT_GE(peak_resident_bytes(), much.size());
    EXPECT_EQ(much.back(), 1);  // else clang leaves the vector out
  }
  if (!reset_peak_resident_bytes()) GTEST_SKIP() << "this system does not reset the peak";
  EXPECT_LT(peak_resident_bytes(), 256u << 20);
}

}  // namespace
}  // namespace tern
