#include "atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "support/temp_dir.h"

namespace tern::tools {
namespace {

namespace fs = std::filesystem;

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

size_t n_entries(const std::string& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(AtomicFile, WritesANewFileAndLeavesNothingElse) {
  const test::TempDir dir;
  const std::string text("bytes\0and\nlines", 15);
  ASSERT_TRUE(write_file_atomically(dir.file("new"), text));
  EXPECT_EQ(read(dir.file("new")), text);
  EXPECT_EQ(n_entries(dir.path()), 1u);
}

TEST(AtomicFile, AReaderOfTheOldFileKeepsReadingTheOldText) {
  const test::TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir.file("f"), "old"));
  std::ifstream reader(dir.file("f"));
  ASSERT_TRUE(write_file_atomically(dir.file("f"), "newer"));
  std::string seen;
  reader >> seen;
  EXPECT_EQ(seen, "old");
  EXPECT_EQ(read(dir.file("f")), "newer");
}

TEST(AtomicFile, ANewFileHasTheModeOfTheUmaskAndAReplacedOneKeepsItsOwn) {
  const test::TempDir dir;
  const mode_t before = ::umask(027);
  ASSERT_TRUE(write_file_atomically(dir.file("f"), "1"));
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat(dir.file("f").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
  ASSERT_EQ(::chmod(dir.file("f").c_str(), 0604), 0);
  ASSERT_TRUE(write_file_atomically(dir.file("f"), "2"));
  ASSERT_EQ(::stat(dir.file("f").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0604u);
}

TEST(AtomicFile, ReplacesTheFileBehindALinkAndNotTheLink) {
  const test::TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir.file("real"), "old"));
  fs::create_symlink("real", dir.file("link"));
  ASSERT_TRUE(write_file_atomically(dir.file("link"), "new"));
  EXPECT_TRUE(fs::is_symlink(dir.file("link")));
  EXPECT_EQ(read(dir.file("real")), "new");
}

TEST(AtomicFile, APipeIsWrittenToAndNotReplaced) {
  const test::TempDir dir;
  const std::string pipe = dir.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  ASSERT_TRUE(write_file_atomically(pipe, "text"));
  std::array<char, 16> buffer{};
  EXPECT_EQ(::read(reader, buffer.data(), buffer.size()), 4);
  ::close(reader);
  EXPECT_EQ(std::string(buffer.data()), "text");
  EXPECT_TRUE(fs::is_fifo(pipe));
}

TEST(AtomicFile, NamesAsLongAsTheyCanBeWork) {
  const test::TempDir dir;
  const std::string path = dir.file(std::string(255, 'n'));
  ASSERT_TRUE(write_file_atomically(path, "text"));
  EXPECT_EQ(read(path), "text");
}

TEST(AtomicFile, AMissingFolderIsAnErrorWithThePath) {
  const test::TempDir dir;
  const auto result = write_file_atomically(dir.file("none/f"), "text");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
  EXPECT_NE(result.error().message.find(dir.file("none/f")), std::string::npos);
  EXPECT_FALSE(write_file_atomically(dir.path(), "a folder")) << "a folder is no file";
}

TEST(AtomicFile, AFailedWriteLeavesTheOldFileAndNoTemporaryOne) {
  const test::TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir.file("f"), "old"));
  // A limit on the size of files stands for a disk that is full.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 1000;
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto result = write_file_atomically(dir.file("f"), std::string(100000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, previous);
  EXPECT_FALSE(result);
  EXPECT_EQ(read(dir.file("f")), "old");
  EXPECT_EQ(n_entries(dir.path()), 1u);
}

}  // namespace
}  // namespace tern::tools
