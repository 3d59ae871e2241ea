#include "child_process.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "support/temp_dir.h"

namespace tern::tools {
namespace {

ChildOutcome run(const std::string& command, const ChildOptions& options = {}) {
  auto outcome = run_child(command, options);
  EXPECT_TRUE(outcome) << outcome.error().message;
  return outcome ? std::move(*outcome) : ChildOutcome{};
}

constexpr std::chrono::milliseconds kNever{3600000};
constexpr std::chrono::milliseconds kAtOnce{1};

/// Runs a command that creates the file "ready" in `folder`, and interrupts it then.
ChildOutcome run_and_interrupt(const test::TempDir& folder, const std::string& command,
                               std::chrono::milliseconds after_interrupt = kNever,
                               std::chrono::milliseconds after_terminate = kNever) {
  std::atomic<bool> interrupt = false;
  std::thread other([&] {
    while (!std::filesystem::exists(folder.file("ready"))) ::usleep(1000);
    interrupt = true;
  });
  const ChildOutcome outcome = run("cd '" + std::string(folder.path()) + "'; " + command,
                                   {.interrupt = &interrupt,
                                    .grace_after_interrupt = after_interrupt,
                                    .grace_after_terminate = after_terminate});
  other.join();
  return outcome;
}

size_t n_open_descriptors() {
  size_t n = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  while (::readdir(folder) != nullptr) ++n;
  ::closedir(folder);
  return n;
}

TEST(ChildProcess, CollectsBothOutputs) {
  const ChildOutcome outcome = run("printf 'a\\nb'; printf 'oops' >&2");
  EXPECT_TRUE(outcome.succeeded());
  EXPECT_EQ(outcome.output, "a\nb");
  EXPECT_EQ(outcome.error_head, "oops");
  EXPECT_EQ(outcome.error_tail, "oops");
  EXPECT_EQ(outcome.describe(), "exit status 0");
}

TEST(ChildProcess, TakesMoreThanAPipeHolds) {
  // 3 MiB on standard output and 1 MiB on standard error, by turns.
  const ChildOutcome outcome =
      run("i=0; while [ $i -lt 64 ]; do head -c 49152 /dev/zero; head -c 16384 /dev/zero >&2; "
          "i=$((i+1)); done");
  EXPECT_TRUE(outcome.succeeded());
  EXPECT_EQ(outcome.output.size(), size_t{64} * 49152);
  EXPECT_EQ(outcome.error_head.size(), size_t{64} << 10);
  EXPECT_EQ(outcome.error_tail.size(), size_t{8} << 10);
}

TEST(ChildProcess, KeepsTheBeginningAndTheEndOfStandardError) {
  const ChildOutcome outcome =
      run("echo first >&2; head -c 200000 /dev/zero | tr '\\0' x >&2; echo last >&2; exit 3");
  EXPECT_FALSE(outcome.succeeded());
  EXPECT_EQ(outcome.exit_status, 3);
  EXPECT_EQ(outcome.describe(), "exit status 3");
  EXPECT_TRUE(outcome.error_head.starts_with("first\nxxx"));
  EXPECT_TRUE(outcome.error_tail.ends_with("xxxlast\n"));
  EXPECT_EQ(outcome.error_tail.find("first"), std::string::npos);
}

TEST(ChildProcess, ReportsACommandThatIsNotThere) {
  const ChildOutcome outcome = run("/nowhere/llama-bench -m x");
  EXPECT_EQ(outcome.exit_status, 127);
  EXPECT_EQ(outcome.describe(), "exit status 127 (command not found)");
  EXPECT_NE(outcome.error_tail.find("/nowhere/llama-bench"), std::string::npos);
}

TEST(ChildProcess, ReportsTheSignalThatKilledIt) {
  const ChildOutcome outcome = run("printf before; kill -KILL $$");
  EXPECT_FALSE(outcome.succeeded());
  EXPECT_EQ(outcome.signal, SIGKILL);
  EXPECT_EQ(outcome.output, "before");
  EXPECT_EQ(outcome.describe(), "killed by signal 9 (Killed)");
}

TEST(ChildProcess, RefusesACommandWithoutWords) {
  for (const std::string& command : {std::string(), std::string(" \n"), std::string("a\0b", 3)}) {
    const auto outcome = run_child(command, {});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::kUsage);
  }
}

TEST(ChildProcess, HasNoInputAndNoneOfOurDescriptors) {
  EXPECT_EQ(run("wc -c").output.find_first_not_of(" 0\n"), std::string::npos);
  // A descriptor without close-on-exec, as a careless caller of the program would pass on.
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const ChildOutcome outcome = run("test -e /proc/$$/fd/" + std::to_string(ends[0]));
  EXPECT_EQ(outcome.exit_status, 1);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(ChildProcess, LeavesNoDescriptorsAndNoZombies) {
  run("true");
  const size_t n_before = n_open_descriptors();
  for (int i = 0; i < 20; ++i) run("echo x; exit 1");
  EXPECT_EQ(n_open_descriptors(), n_before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(ChildProcess, FindsProgramsInTheGivenFolderFirst) {
  const test::TempDir folder;
  const std::string program = folder.file("ls");
  std::ofstream(program) << "#!/bin/sh\necho ours\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  EXPECT_EQ(run("ls", {.path_prefix = folder.path()}).output, "ours\n");
  EXPECT_NE(run("ls").output, "ours\n");
}

TEST(ChildProcess, SetsAndRemovesVariables) {
  ::setenv("TERN_CHILD_TEST_OLD", "old", 1);
  ::setenv("TERN_CHILD_TEST_KEPT", "kept", 1);
  const ChildOutcome outcome =
      run("echo \"$TERN_CHILD_TEST_NEW,${TERN_CHILD_TEST_OLD-gone},$TERN_CHILD_TEST_KEPT\"",
          {.variables = {{"TERN_CHILD_TEST_NEW", "a b"}},
           .removed_variables = {"TERN_CHILD_TEST_OLD"}});
  EXPECT_EQ(outcome.output, "a b,gone,kept\n");
  EXPECT_EQ(
      run("echo $TERN_CHILD_TEST_KEPT", {.variables = {{"TERN_CHILD_TEST_KEPT", "new"}}}).output,
      "new\n");
  ::unsetenv("TERN_CHILD_TEST_OLD");
  ::unsetenv("TERN_CHILD_TEST_KEPT");
}

TEST(ChildProcess, OrdinarySignalsAreNotIgnoredInIt) {
  const auto previous = std::signal(SIGPIPE, SIG_IGN);
  // `yes` ends by SIGPIPE only; with the signal ignored it would complain.
  const ChildOutcome outcome = run("yes | head -n 1");
  std::signal(SIGPIPE, previous);
  EXPECT_EQ(outcome.output, "y\n");
  EXPECT_EQ(outcome.error_head, "");
}

TEST(ChildProcess, OutputWithoutEndIsStopped) {
  const ChildOutcome outcome = run("yes", {.max_output_bytes = 100000});
  EXPECT_TRUE(outcome.printed_too_much);
  EXPECT_FALSE(outcome.succeeded());
  EXPECT_EQ(outcome.output.size(), 100000u);
  EXPECT_EQ(run("head -c 1000 /dev/zero", {.max_output_bytes = 1000}).printed_too_much, false);
}

TEST(ChildProcess, DoesNotWaitForWhatItLeavesRunning) {
  const test::TempDir folder;
  const ChildOutcome outcome =
      run("sleep 100000 & echo $! > '" + folder.file("pid") + "'; echo done");
  EXPECT_TRUE(outcome.succeeded());
  EXPECT_EQ(outcome.output, "done\n");
  pid_t left = 0;
  std::ifstream(folder.file("pid")) >> left;
  ASSERT_GT(left, 1);
  // It was killed; whoever adopted it may still have to collect it.
  bool gone = false;
  while (!gone) {
    std::string state;
    std::ifstream stat("/proc/" + std::to_string(left) + "/stat");
    std::string line;
    if (!std::getline(stat, line)) break;
    gone = line.find(") Z") != std::string::npos;
  }
}

TEST(ChildProcess, AnInterruptBeforeTheStartStartsNothing) {
  const test::TempDir folder;
  const std::atomic<bool> interrupt = true;
  const ChildOutcome outcome =
      run("touch '" + folder.file("started") + "'", {.interrupt = &interrupt});
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_FALSE(outcome.succeeded());
  EXPECT_FALSE(std::filesystem::exists(folder.file("started")));
}

TEST(ChildProcess, AnInterruptIsPassedOnToAllOfIt) {
  const test::TempDir folder;
  const ChildOutcome outcome =
      run_and_interrupt(folder, "printf partial; touch ready; sleep 100000 | cat");
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(outcome.signal, SIGINT);
  EXPECT_EQ(outcome.output, "partial");
}

TEST(ChildProcess, ACommandMayEndCleanlyWhenInterrupted) {
  const test::TempDir folder;
  const ChildOutcome outcome = run_and_interrupt(
      folder, "trap 'echo cleaned up; exit 5' INT; touch ready; while :; do sleep 0.01; done");
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(outcome.exit_status, 5);
  EXPECT_EQ(outcome.output, "cleaned up\n");
}

TEST(ChildProcess, ACommandThatIgnoresAnInterruptIsTerminated) {
  const test::TempDir folder;
  const ChildOutcome outcome =
      run_and_interrupt(folder,
                        "trap '' INT; trap 'echo terminated; exit 6' TERM; touch ready; "
                        "while :; do sleep 0.01; done",
                        kAtOnce);
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(outcome.exit_status, 6);
  EXPECT_EQ(outcome.output, "terminated\n");
}

TEST(ChildProcess, ACommandThatIgnoresEverythingIsKilled) {
  const test::TempDir folder;
  const ChildOutcome outcome = run_and_interrupt(
      folder, "trap '' INT TERM; touch ready; while :; do sleep 0.01; done", kAtOnce, kAtOnce);
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(outcome.signal, SIGKILL);
}

}  // namespace
}  // namespace tern::tools
