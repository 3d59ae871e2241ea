// What a confined process can still do, and what becomes of it when it does more.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include "base/replacing_file.h"
#include "confined_child.h"
#include "sandbox/syscall_filter.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

using sandbox::Policy;

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    const sandbox::Support support = sandbox::support();
    if (!support.filter || support.landlock_abi == 0) GTEST_SKIP() << support.problem;
  }
  static Policy reading(const std::string& path) {
    Policy policy;
    policy.paths.readable = {path};
    return policy;
  }
  static Policy writing(const std::string& path) {
    Policy policy;
    policy.paths.writable = {path};
    return policy;
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.file(name)) << text;
  }
  /// 0 where the file can be opened, else the reason.
  static int opens(const std::string& path, int flags = O_RDONLY) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    ::close(fd);
    return 0;
  }
  TempDir folder_;
};
using SandboxDeathTest = SandboxTest;

TEST_F(SandboxTest, ComputingGoesOn) {
  const ChildEnd end = run_confined({}, [] {
    std::vector<std::vector<char>> blocks;
    for (size_t n = 16; n < (size_t{1} << 26); n *= 2) blocks.emplace_back(n, 'x');
    void* pages = ::mmap(nullptr, size_t{4} << 20, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || ::madvise(pages, size_t{4} << 20, MADV_HUGEPAGE) < -1) return 1;
    if (::mprotect(pages, 4096, PROT_READ) != 0 || ::munmap(pages, size_t{4} << 20) != 0) return 2;
    std::atomic<int> n_done{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&n_done] { ++n_done; });
    for (std::thread& thread : threads) thread.join();
    if (n_done != 4) return 3;
    ::sched_yield();
    timespec pause{0, 1000};
    if (::nanosleep(&pause, nullptr) != 0) return 4;
    int ends[2];
    ::signal(SIGUSR1, SIG_IGN);
    if (::raise(SIGUSR1) != 0) return 5;
    return ::pipe2(ends, 0) == -1 && errno == ENOSYS ? 0 : 6;
  });
  EXPECT_EQ(end.status, 0) << end.error;
}

TEST_F(SandboxTest, OnlyDeclaredFilesAreOpened) {
  write("declared", "a");
  write("other", "b");
  const std::string declared = folder_.file("declared");
  const std::string other = folder_.file("other");
  EXPECT_EQ(run_confined(reading(declared), [&] { return opens(declared); }).status, 0);
  EXPECT_EQ(run_confined(reading(declared), [&] { return opens(other); }).status, EACCES);
  EXPECT_EQ(run_confined(reading(declared), [&] { return opens("/etc/passwd"); }).status, EACCES);
  EXPECT_EQ(run_confined(reading(declared), [&] { return opens(declared, O_WRONLY); }).status,
            EACCES);
  EXPECT_EQ(
      run_confined(reading(declared), [&] { return opens(folder_.path(), O_DIRECTORY); }).status,
      EACCES);
}

TEST_F(SandboxTest, ALinkIsNoWayOut) {
  ASSERT_EQ(::symlink("/etc/passwd", folder_.file("link").c_str()), 0);
  const auto way = [&] { return opens(folder_.file("link")); };
  EXPECT_EQ(run_confined(reading(folder_.path()), way).status, EACCES);
  // A link that was declared is the file it led to when that was done.
  write("target", "a");
  ASSERT_EQ(::symlink(folder_.file("target").c_str(), folder_.file("to").c_str()), 0);
  EXPECT_EQ(
      run_confined(reading(folder_.file("to")), [&] { return opens(folder_.file("to")); }).status,
      0);
}

TEST_F(SandboxTest, NothingIsWrittenWhereReadingIsAllowed) {
  write("file", "a");
  const auto attempt = [&](int flags) {
    return run_confined(
               reading(folder_.path()),
               [&, flags] { return opens(folder_.file(flags & O_CREAT ? "new" : "file"), flags); })
        .status;
  };
  EXPECT_EQ(attempt(O_RDONLY), 0);
  EXPECT_EQ(attempt(O_WRONLY), EACCES);
  EXPECT_EQ(attempt(O_RDWR), EACCES);
  EXPECT_EQ(attempt(O_WRONLY | O_CREAT), EACCES);
  EXPECT_EQ(attempt(O_RDONLY | O_TRUNC), EACCES);
  const ChildEnd removing = run_confined(reading(folder_.path()), [&] {
    return ::unlink(folder_.file("file").c_str()) == 0 ? 0 : errno;
  });
  EXPECT_EQ(removing.status, ENOSYS);
  EXPECT_TRUE(std::ifstream(folder_.file("file")).good());
}

TEST_F(SandboxTest, FilesAreReplacedAsAWholeInADeclaredFolder) {
  ASSERT_EQ(::mkdir(folder_.file("in").c_str(), 0700), 0);
  write("in/old", "old");
  write("in/.tern-8388608-0.tmp", "of a killed program: there is no such process");
  write("out", "out");
  const std::string text = "new";
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  const ChildEnd end = run_confined(writing(folder_.file("in")), [&] {
    for (const char* name : {"in/old", "in/new"}) {
      auto file = ReplacingFile::create(folder_.file(name));
      if (!file || !file->write_at(0, bytes) || !file->commit()) return 1;
    }
    if (::mkdir(folder_.file("in/sub").c_str(), 0700) != 0) return 2;
    if (opens(folder_.file("out"), O_WRONLY) != EACCES) return 3;
    if (opens(folder_.file("created"), O_WRONLY | O_CREAT) != EACCES) return 4;
    if (::rename(folder_.file("in/new").c_str(), folder_.file("moved").c_str()) == 0) return 5;
    return 0;
  });
  EXPECT_EQ(end.status, 0) << end.error;
  std::string held;
  std::getline(std::ifstream(folder_.file("in/old")), held);
  EXPECT_EQ(held, "new");
  EXPECT_FALSE(std::ifstream(folder_.file("in/.tern-8388608-0.tmp")).good());
}

TEST_F(SandboxTest, AfterTheLoadNothingIsOpenedByAnyThread) {
  write("file", "abc");
  const std::string path = folder_.file("file");
  const ChildEnd end = run_confined(reading(path), [&] {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    std::atomic<int> turn{0};
    std::atomic<int> in_thread{-1};
    std::thread thread([&] {
      turn.wait(0);
      in_thread = opens(path);
    });
    const bool closed = sandbox::close_for_good().has_value();
    turn = 1;
    turn.notify_all();
    thread.join();
    if (!closed) return 1;
    if (in_thread != EACCES || opens(path) != EACCES) return 2;
    char byte = 0;
    if (::read(fd, &byte, 1) != 1 || byte != 'a') return 3;
    return ::syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, 0, 0, 0) == -1 &&
                   errno == EPERM
               ? 0
               : 4;
  });
  EXPECT_EQ(end.status, 0) << end.error;
}

TEST_F(SandboxTest, WallsCannotBeWidened) {
  write("one", "1");
  write("two", "2");
  const ChildEnd end = run_confined(reading(folder_.file("one")), [&] {
    const sandbox::State again = sandbox::confine(reading(folder_.path()));
    if (!again.filtered) return 1;
    return opens(folder_.file("two")) == EACCES && opens(folder_.file("one")) == 0 ? 0 : 2;
  });
  EXPECT_EQ(end.status, 0) << end.error;
}

TEST_F(SandboxTest, NoProgramGivesMoreRights) {
  const ChildEnd end =
      run_confined({}, [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1; });
  EXPECT_EQ(end.status, 0);
}

TEST_F(SandboxTest, CallsThatAreNotNeededAnswerAsIfTheyWereNotThere) {
  const ChildEnd end = run_confined({}, [] {
    if (::syscall(SYS_swapoff, "/none") != -1 || errno != ENOSYS) return 1;
    if (::syscall(SYS_clone3, nullptr, 0) != -1 || errno != ENOSYS) return 2;
    if (::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0) != -1 || errno != ENOSYS) return 3;
    if (::kill(::getppid(), 0) != -1 || errno != EPERM) return 4;
    return ::syscall(SYS_prctl, PR_SET_DUMPABLE, 1) == -1 && errno == EPERM ? 0 : 5;
  });
  EXPECT_EQ(end.status, 0) << end.error;
}

TEST_F(SandboxTest, CountersAreOpenedWhereThatIsDeclared) {
  Policy policy;
  policy.counts_perf_events = true;
  const ChildEnd end = run_confined(policy, [] {
    return ::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0) == -1 && errno != ENOSYS ? 0 : 1;
  });
  EXPECT_EQ(end.status, 0) << end.error;
}

/// The process ends by SIGSYS and says by which call.
void expect_stopped(const std::function<void()>& attempt, const std::string& call) {
  Policy everything;
  everything.paths.writable = {"/"};
  const ChildEnd end = run_confined(everything, [&] {
    attempt();
    return 0;
  });
  EXPECT_EQ(end.signal, SIGSYS) << call << ": status " << end.status;
  EXPECT_NE(end.error.find("the sandbox has stopped tern: " + call), std::string::npos)
      << end.error;
  EXPECT_NE(end.error.find("--no-sandbox"), std::string::npos) << end.error;
}

TEST_F(SandboxDeathTest, StartingAProgramEndsTheProcess) {
  expect_stopped([] { ::execl("/bin/true", "true", nullptr); }, "execve");
  expect_stopped([] { ::fork(); }, "clone");
}

TEST_F(SandboxDeathTest, ASocketEndsTheProcess) {
  expect_stopped([] { ::socket(AF_INET, SOCK_STREAM, 0); }, "socket");
  expect_stopped([] { ::socket(AF_UNIX, SOCK_STREAM, 0); }, "socket");
  int ends[2];
  expect_stopped([&] { ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends); }, "socketpair");
}

TEST_F(SandboxDeathTest, LookingIntoAnotherProcessEndsTheProcess) {
  expect_stopped([] { ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr); }, "ptrace");
}

TEST_F(SandboxDeathTest, ExecutableMemoryEndsTheProcess) {
  expect_stopped(
      [] { ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); },
      "mmap");
  expect_stopped(
      [] {
        void* page =
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ::mprotect(page, 4096, PROT_READ | PROT_EXEC);
      },
      "mprotect");
}

TEST_F(SandboxDeathTest, TypingIntoTheTerminalEndsTheProcess) {
  expect_stopped([] { ::ioctl(0, TIOCSTI, "x"); }, "ioctl");
}

TEST_F(SandboxDeathTest, ThreadsBegunBeforeAreConfinedToo) {
  const ChildEnd end = run_child([] {
    std::atomic<int> turn{0};
    std::thread thread([&turn] {
      turn.wait(0);
      ::socket(AF_INET, SOCK_STREAM, 0);
    });
    const sandbox::State state = sandbox::confine({});
    turn = 1;
    turn.notify_all();
    thread.join();
    return state.filtered ? 1 : 2;
  });
  EXPECT_EQ(end.signal, SIGSYS) << end.status;
}

TEST(SandboxSupport, SaysWhatIsMissing) {
  const sandbox::Support support = sandbox::support();
  EXPECT_EQ(support.problem.empty(), support.filter && support.landlock_abi > 0) << support.problem;
}

// The filter's own answer, worked out by the rules of classic BPF, for the architecture that it
// does not know: the numbers would mean other calls.
TEST(SandboxFilter, AnotherArchitectureEndsTheProcess) {
  const std::vector<sock_filter> filter = sandbox::confining_filter({}, 1);
  ASSERT_GT(filter.size(), 4u);
  EXPECT_EQ(filter[1].code, BPF_JMP | BPF_JEQ | BPF_K);
  EXPECT_EQ(filter[1].jt, 1);
  EXPECT_EQ(filter[1].jf, 0);
  EXPECT_EQ(filter[2].code, BPF_RET | BPF_K);
  EXPECT_EQ(filter[2].k, 0x80000000u);
  EXPECT_LT(filter.size(), 4096u) << "the kernel takes no longer programs";
}

TEST(SandboxFilter, FatalCallsHaveNames) {
  EXPECT_STREQ(sandbox::fatal_call_name(SYS_execve), "execve");
  EXPECT_EQ(sandbox::fatal_call_name(SYS_read), nullptr);
}

}  // namespace
}  // namespace tern::test
