#include "base/replacing_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

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

TEST(ReplacingFile, WhatIsNoRegularFileIsNotReplaced) {
  const test::TempDir dir;
  EXPECT_FALSE(ReplacingFile::create(dir.path()));
  EXPECT_FALSE(ReplacingFile::create(dir.file("none/f")));
}

}  // namespace
}  // namespace tern
