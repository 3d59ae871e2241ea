#include "base/replacing_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "base/descriptor.h"
#include "tests/support/temp_dir.h"

namespace tern {
namespace {

namespace fs = std::filesystem;

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

size_t n_entries(const std::string& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(ReplacingFile, AppearsWithAllItsBytesWhenItIsCommitted) {
  const test::TempDir dir;
  std::ofstream(dir.file("f")) << "old";
  auto file = ReplacingFile::create(dir.file("f"));
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE(file->reserve(6));
  ASSERT_TRUE(file->write_at(4, bytes_of("ef")));
  ASSERT_TRUE(file->write_at(0, bytes_of("ab")));
  EXPECT_EQ(read(dir.file("f")), "old");
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read(dir.file("f")), std::string("ab\0\0ef", 6));
  EXPECT_EQ(n_entries(dir.path()), 1u);
}

TEST(ReplacingFile, LeavesNothingBehindWhenItIsGivenUp) {
  const test::TempDir dir;
  {
    auto file = ReplacingFile::create(dir.file("f"));
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(file->reserve(1 << 20));
    ASSERT_TRUE(file->write_at(0, bytes_of("ab")));
    const ReplacingFile moved = std::move(*file);
    ASSERT_TRUE(moved.write_at(2, bytes_of("cd")));
  }
  EXPECT_EQ(n_entries(dir.path()), 0u);
}

TEST(ReplacingFile, SpaceThatNoDiskHasIsAnError) {
  const test::TempDir dir;
  auto file = ReplacingFile::create(dir.file("f"));
  ASSERT_TRUE(file) << file.error().message;
  const auto reserved = file->reserve(uint64_t{1} << 62);
  ASSERT_FALSE(reserved);
  EXPECT_EQ(reserved.error().code, ErrorCode::kNotFound);
  EXPECT_NE(reserved.error().message.find(dir.file("f")), std::string::npos);
}

TEST(ReplacingFile, WhatAKilledProgramLeftIsRemoved) {
  const test::TempDir dir;
  const auto temporary = [&](auto process) {
    return dir.file(fmt::format(".tern-{}-0.tmp", process));
  };
  // No process has a number beyond pid_max, which is at most 2^22.
  constexpr int kNoProcess = 1 << 23;
  const std::string locked = dir.file(fmt::format(".tern-{}-1.tmp", kNoProcess));
  const std::string pipe = dir.file(fmt::format(".tern-{}-2.tmp", kNoProcess));
  const std::string link = dir.file(fmt::format(".tern-{}-3.tmp", kNoProcess));
  const std::vector<std::string> kept = {temporary(::getpid()),
                                         locked,
                                         pipe,
                                         link,
                                         dir.file(".tern-1.tmp"),
                                         dir.file(".tern--1.tmp"),
                                         dir.file(".tern-8388608-x.tmp"),
                                         dir.file(".tern-.tmp"),
                                         dir.file("tern-8388608-0.tmp"),
                                         dir.file("f")};
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  fs::create_symlink("f", link);
  for (const std::string& path : kept) {
    if (path != pipe && path != link) std::ofstream(path) << "x";
  }
  std::ofstream(temporary(kNoProcess)) << "x";
  const Descriptor other(::open(locked.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
  {
    auto file = ReplacingFile::create(dir.file("f"));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_FALSE(fs::exists(temporary(kNoProcess)));
    ASSERT_TRUE(file->commit());
  }
  for (const std::string& path : kept) EXPECT_TRUE(fs::exists(fs::symlink_status(path))) << path;
  EXPECT_EQ(n_entries(dir.path()), kept.size());
}

TEST(ReplacingFile, WhatIsNoRegularFileIsNotReplaced) {
  const test::TempDir dir;
  EXPECT_FALSE(ReplacingFile::create(dir.path()));
  EXPECT_FALSE(ReplacingFile::create(dir.file("none/f")));
}

}  // namespace
}  // namespace tern
