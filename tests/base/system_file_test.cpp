#include "base/system_file.h"

#include <gtest/gtest.h>

#include "support/fake_tree.h"

namespace tern {
namespace {

using Cpus = std::vector<int>;

TEST(SystemFile, FirstLineIsTrimmedAndEmptyForWhatCannotBeRead) {
  const test::FakeTree tree{{"name", "  coretemp \t\nsecond"}, {"empty", ""}};
  EXPECT_EQ(first_line(tree.path("name")), "coretemp");
  EXPECT_EQ(first_line(tree.path("empty")), "");
  EXPECT_EQ(first_line(tree.path("missing")), "");
  EXPECT_EQ(first_line(tree.root()), "");
}

TEST(SystemFile, FieldsAreFoundByTheirWholeName) {
  const test::FakeTree tree{{"status", "VmHWMX:\t 1 kB\nno colon\nVmHWM:\t  204 kB\nVmHWM: 9 kB"}};
  EXPECT_EQ(field_of(tree.path("status"), "VmHWM"), "204 kB");
  EXPECT_EQ(field_of(tree.path("status"), "VmH"), "");
  EXPECT_EQ(field_of(tree.path("missing"), "VmHWM"), "");
}

TEST(SystemFile, NumbersAreStrict) {
  EXPECT_EQ(parse_u64("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_i64("-1"), -1);
  for (const char* bad : {"", " 1", "1 ", "+1", "0x1", "18446744073709551616", "1.5", "x"}) {
    EXPECT_EQ(parse_u64(bad), std::nullopt) << bad;
    EXPECT_EQ(parse_i64(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_u64("-1"), std::nullopt);
  const test::FakeTree tree{{"temp", "-4500"}, {"max", "max"}};
  EXPECT_EQ(read_i64(tree.path("temp")), -4500);
  EXPECT_EQ(read_u64(tree.path("temp")), std::nullopt);
  EXPECT_EQ(read_u64(tree.path("max")), std::nullopt);
  EXPECT_EQ(read_u64(tree.path("missing")), std::nullopt);
}

TEST(SystemFile, SizesHaveUnitsOf1024) {
  EXPECT_EQ(parse_bytes("48K"), 48u * 1024);
  EXPECT_EQ(parse_bytes("1M"), 1u << 20);
  EXPECT_EQ(parse_bytes("1g"), 1u << 30);
  EXPECT_EQ(parse_bytes("512"), 512u);
  EXPECT_EQ(parse_bytes("2048 kB"), 2048u * 1024);
  EXPECT_EQ(parse_bytes("7 B"), 7u);
  for (const char* bad : {"", "K", "-1K", "1T", "1KK", "18446744073709551615K", "1 2"}) {
    EXPECT_EQ(parse_bytes(bad), std::nullopt) << bad;
  }
}

TEST(SystemFile, CpuListsBecomeAscendingNumbers) {
  EXPECT_EQ(parse_cpu_list("0-3,8"), (Cpus{0, 1, 2, 3, 8}));
  EXPECT_EQ(parse_cpu_list("8,0-1,1\n"), (Cpus{0, 1, 8}));
  EXPECT_EQ(parse_cpu_list("5"), Cpus{5});
  EXPECT_EQ(parse_cpu_list(" \n"), Cpus{});
}

TEST(SystemFile, MalformedCpuListsAreNoLists) {
  for (const char* bad : {"a", "1-", "-1", "3-1", "1,,2", ",1", "1,", "0-65536", "0-1-2", "1 2",
                          "99999999999999999999", "0-3:1/2"}) {
    EXPECT_EQ(parse_cpu_list(bad), std::nullopt) << bad;
  }
  std::string repeated = "0-65535";
  for (int i = 0; i < 100; ++i) repeated += ",0-65535";
  EXPECT_EQ(parse_cpu_list(repeated), std::nullopt);
}

TEST(SystemFile, NumberedEntriesFollowTheirNumbers) {
  const test::FakeTree tree{{"cpu10/x", ""}, {"cpu2/x", ""},  {"cpufreq/x", ""},
                            {"cpu/x", ""},   {"cpu-1/x", ""}, {"cpu1e1/x", ""}};
  const auto entries = numbered_entries(tree.root(), "cpu");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].number, 2);
  EXPECT_EQ(entries[0].path, tree.path("cpu2"));
  EXPECT_EQ(entries[1].number, 10);
  EXPECT_TRUE(numbered_entries(tree.path("missing"), "cpu").empty());
}

}  // namespace
}  // namespace tern
