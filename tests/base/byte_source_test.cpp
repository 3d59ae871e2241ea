#include "base/byte_source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "support/contains.h"
#include "tests/support/temp_dir.h"

namespace tern {
namespace {

std::string write(const test::TempDir& dir, const std::string& name, const std::string& text) {
  const std::string path = dir.file(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

Result<std::string> read(const ByteSource& source, uint64_t offset, size_t n_bytes) {
  std::vector<uint8_t> bytes(n_bytes);
  auto result = source.read_at(offset, bytes);
  if (!result) return std::move(result).error();
  return std::string(bytes.begin(), bytes.end());
}

using test::contains;

void expect_reads(const ByteSource& source) {  // over "0123456789"
  EXPECT_EQ(source.size_bytes(), 10u);
  EXPECT_EQ(*read(source, 0, 10), "0123456789");
  EXPECT_EQ(*read(source, 3, 4), "3456");
  EXPECT_EQ(*read(source, 9, 1), "9");
  EXPECT_TRUE(read(source, 10, 0));
  const struct {
    uint64_t offset;
    size_t n_bytes;
  } kBeyond[] = {{10, 1}, {9, 2}, {0, 11}, {1000, 1}};
  for (const auto& beyond : kBeyond) {
    auto result = read(source, beyond.offset, beyond.n_bytes);
    ASSERT_FALSE(result) << beyond.offset;
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
    EXPECT_TRUE(contains(result.error().message, source.name())) << result.error().message;
    EXPECT_FALSE(result.error().hint.empty());
  }
  EXPECT_FALSE(read(source, UINT64_MAX, 1));
  EXPECT_FALSE(read(source, uint64_t{1} << 63, 1));
  EXPECT_EQ(*read(source, 0, 2), "01");
}

TEST(FileSource, ReadsByPosition) {
  test::TempDir dir;
  const std::string path = write(dir, "f", "0123456789");
  auto source = open_file_source(path);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->name(), path);
  expect_reads(**source);
}

TEST(FileSource, ReadsWhileTheNameIsGone) {
  test::TempDir dir;
  const std::string path = write(dir, "f", "0123456789");
  auto source = open_file_source(path);
  ASSERT_TRUE(source);
  std::filesystem::remove(path);
  EXPECT_EQ(*read(**source, 0, 10), "0123456789");
}

TEST(FileSource, NamesAMissingFile) {
  test::TempDir dir;
  auto source = open_file_source(dir.file("missing"));
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(contains(source.error().message, dir.file("missing"))) << source.error().message;
  EXPECT_TRUE(contains(source.error().message, "No such file")) << source.error().message;
  EXPECT_FALSE(source.error().hint.empty());
}

TEST(FileSource, RefusesADirectory) {
  test::TempDir dir;
  auto source = open_file_source(dir.path());
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(contains(source.error().message, "is a directory")) << source.error().message;
}

TEST(FileSource, RefusesADevice) {
  auto source = open_file_source("/dev/null");
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(contains(source.error().message, "is not a regular file")) << source.error().message;
}

TEST(FileSource, SaysWhenAFileMayNotBeRead) {
  test::TempDir dir;
  const std::string path = write(dir, "f", "x");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  // Root may read every file, so the test is somebody else while it tries.
  constexpr uid_t kNobody = 65534;
  const uid_t user = ::geteuid();
  if (user == 0 && ::seteuid(kNobody) != 0) GTEST_SKIP() << "root cannot become another user";
  auto source = open_file_source(path);
  if (user == 0) {
    ASSERT_EQ(::seteuid(user), 0);
  }
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(contains(source.error().hint, "permissions")) << source.error().hint;
}

TEST(FileSource, ReportsAFileThatShrank) {
  test::TempDir dir;
  const std::string path = write(dir, "f", std::string(100000, 'x'));
  auto source = open_file_source(path);
  ASSERT_TRUE(source);
  std::filesystem::resize_file(path, 50000);
  EXPECT_EQ((*source)->size_bytes(), 100000u);
  EXPECT_TRUE(read(**source, 0, 50000));
  for (uint64_t offset : {uint64_t{0}, uint64_t{49999}, uint64_t{50000}, uint64_t{99990}}) {
    auto result = read(**source, offset, offset == 0 ? 100000 : 10);
    ASSERT_FALSE(result) << offset;
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
    EXPECT_TRUE(contains(result.error().message, path)) << result.error().message;
    EXPECT_TRUE(contains(result.error().message, "100000 bytes when opened"))
        << result.error().message;
  }
}

TEST(FileSource, IsReadByManyThreads) {
  test::TempDir dir;
  std::string text(1 << 20, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 2654435761u >> 24);
  auto source = open_file_source(write(dir, "f", text));
  ASSERT_TRUE(source);
  std::vector<std::thread> threads;
  std::vector<int> n_wrong(4);
  for (size_t t = 0; t < n_wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = t; i < 512; i += 3) {
        auto part = read(**source, i * 2048, 2048);
        if (!part || *part != text.substr(i * 2048, 2048)) ++n_wrong[t];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(n_wrong, std::vector<int>(4));
}

TEST(MemorySource, ReadsByPosition) {
  const std::string text = "0123456789";
  expect_reads(*make_memory_source({text.begin(), text.end()}, "memory"));
}

TEST(MemorySource, MayBeEmpty) {
  auto source = make_memory_source({}, "memory");
  EXPECT_EQ(source->size_bytes(), 0u);
  EXPECT_TRUE(read(*source, 0, 0));
  EXPECT_FALSE(read(*source, 0, 1));
}

TEST(ReadAll, GivesTheWholeOrRefuses) {
  auto source = make_memory_source({1, 2, 3}, "memory");
  EXPECT_EQ(*read_all(*source, 3), (std::vector<uint8_t>{1, 2, 3}));
  auto refused = read_all(*source, 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(refused.error().message, "memory: has 3 bytes; at most 2 are accepted here");
  EXPECT_TRUE(read_all(*make_memory_source({}, "empty"), 0)->empty());
}

}  // namespace
}  // namespace tern
