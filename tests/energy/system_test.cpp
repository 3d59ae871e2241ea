// The real system: files as the kernel gives them, and the thread that reads counters.
#include "energy/system.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>

#include "support/ordinary_user.h"
#include "support/temp_dir.h"

namespace tern::energy {
namespace {

using FileState = FileText::State;

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(EnergySystem, FilesAreReadWholeOrSayWhyNot) {
  const test::TempDir folder;
  const auto system = real_system();
  write_file(folder.file("value"), "123\n");
  const FileText value = system->read_file(folder.file("value"));
  EXPECT_EQ(value.state, FileState::kOk);
  EXPECT_EQ(value.text, "123\n");
  EXPECT_EQ(system->read_file(folder.file("none")).state, FileState::kMissing);
  EXPECT_EQ(system->read_file(folder.file("value/below")).state, FileState::kMissing);
  EXPECT_EQ(system->read_file(folder.path()).state, FileState::kFailed);
  write_file(folder.file("page"), std::string(kMaxFileBytes, 'x'));
  EXPECT_EQ(system->read_file(folder.file("page")).text.size(), kMaxFileBytes);
  write_file(folder.file("long"), std::string(kMaxFileBytes + 1, 'x'));
  EXPECT_EQ(system->read_file(folder.file("long")).state, FileState::kFailed);
  EXPECT_EQ(system->read_file(folder.file("long")).text, "");
}

TEST(EnergySystem, ADeniedFileIsToldFromAMissingOne) {
  const test::TempDir folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  const std::string path = folder.file("energy_uj");
  write_file(path, "123\n");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  const test::OrdinaryUser user;
  if (!user.ok()) GTEST_SKIP() << "cannot give up the rights of root here";
  EXPECT_EQ(real_system()->read_file(path).state, FileState::kDenied);
  EXPECT_EQ(real_system()->read_file(path).error, "permission denied");
  EXPECT_EQ(real_system()->read_file(folder.file("none")).state, FileState::kMissing);
}

TEST(EnergySystem, FoldersAreListedInTheOrderOfTheirNumbers) {
  const test::TempDir folder;
  for (const char* name : {"hwmon10", "hwmon2", "hwmon1"}) write_file(folder.file(name), "");
  EXPECT_EQ(real_system()->list_folder(folder.path()),
            (std::vector<std::string>{"hwmon1", "hwmon2", "hwmon10"}));
  EXPECT_TRUE(real_system()->list_folder(folder.file("none")).empty());
  EXPECT_TRUE(real_system()->list_folder(folder.file("hwmon1")).empty());
}

TEST(EnergySystem, AnEventThatNoUnitHasIsNotOpened) {
  const PerfOpening opening = real_system()->open_perf(UINT32_MAX, 0, 0);
  EXPECT_EQ(opening.counter, nullptr);
  EXPECT_NE(opening.error_number, 0);
}

TEST(EnergySystem, TheClockDoesNotGoBack) {
  const auto system = real_system();
  double last = system->now_seconds();
  for (int i = 0; i < 1000; ++i) {
    const double now = system->now_seconds();
    EXPECT_GE(now, last);
    last = now;
  }
}

TEST(EnergySystem, WorkIsRepeatedUntilItIsStopped) {
  std::mutex mutex;
  std::condition_variable called;
  int n_calls = 0;
  auto repeater = real_system()->repeat_every(1e-4, [&] {
    const std::lock_guard lock(mutex);
    ++n_calls;
    called.notify_one();
  });
  ASSERT_NE(repeater, nullptr);
  {
    std::unique_lock lock(mutex);
    called.wait(lock, [&] { return n_calls >= 3; });
  }
  repeater.reset();
  const int n_final = n_calls;  // no other thread is left
  EXPECT_GE(n_final, 3);
}

TEST(EnergySystem, WorkThatIsNotDueIsNotWaitedFor) {
  int n_calls = 0;
  auto repeater = real_system()->repeat_every(3600.0, [&] { ++n_calls; });
  repeater.reset();
  EXPECT_EQ(n_calls, 0);
}

}  // namespace
}  // namespace tern::energy
