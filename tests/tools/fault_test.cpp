// System calls that fail, one after the other, under the real program: every failure is an exit
// code and one message, a file that is being replaced stays what it was or is the whole new one,
// and nothing is left beside it.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "fault_sweep.h"

namespace tern::test {
namespace {

using Names = std::vector<std::string>;

class Faults : public testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = no_faults_here();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }

  // An error in the end: one of these codes, with one message.
  static void expect_error(const Outcome& outcome, const std::set<int>& codes) {
    EXPECT_TRUE(codes.contains(outcome.exit_code)) << outcome.exit_code << "\n"
                                                   << outcome.out << outcome.err;
    EXPECT_EQ(lines_with(outcome.err, "error: "), 1) << outcome.err;
  }

  TempDir folder_;
};

class FaultsOfConvert : public Faults {
 protected:
  void SetUp() override {
    Faults::SetUp();
    if (IsSkipped()) return;
    const std::string whole = whole_.file("whole.gguf");
    ASSERT_EQ(tern({"convert", tiny_model(), whole}).exit_code, 0);
    new_ = contents_of(whole);
    ASSERT_GT(new_.size(), 1000u);
  }
  Call convert() const {
    Call call;
    call.arguments = {"convert", tiny_model(), output_, "--force", "--no-verify"};
    return call;
  }
  void put_old() const { std::ofstream(output_) << "old"; }
  // SIGTERM at any such call: it ends by itself, with the code for that, or is done anyway.
  void sweep_terminate(const std::string& call, int stride = 1) {
    sweep(
        convert(), {call, "term", stride}, [this] { put_old(); },
        [&](const Outcome& outcome) {
          EXPECT_TRUE(outcome.exit_code == 0 || outcome.exit_code == 8) << outcome.exit_code;
          EXPECT_EQ(names_in(folder_.path()), Names{"o.gguf"});
          const std::string found = contents_of(output_);
          EXPECT_TRUE(found == new_ || (found == "old" && outcome.exit_code == 8));
        });
  }
  // The run failed and changed nothing, or it went on and is complete.
  void expect_old_or_new(const Outcome& outcome, const std::set<int>& codes) const {
    EXPECT_EQ(names_in(folder_.path()), Names{"o.gguf"});
    if (outcome.exit_code == 0) {
      EXPECT_EQ(lines_with(outcome.err, "error: "), 0) << outcome.err;
      EXPECT_TRUE(contents_of(output_) == new_) << "not the whole new file";
    } else {
      expect_error(outcome, codes);
      EXPECT_TRUE(contents_of(output_) == "old") << "the old file has changed";
    }
  }
  int sweep_convert(const Fault& fault, const std::set<int>& codes) {
    return sweep(
        convert(), fault, [this] { put_old(); },
        [&](const Outcome& outcome) { expect_old_or_new(outcome, codes); });
  }

  const std::string output_ = folder_.file("o.gguf");
  TempDir whole_;
  std::string new_;
};

TEST_F(FaultsOfConvert, AWriteThatFailsLeavesTheOldFile) {
  sweep_convert({"pwrite", "ENOSPC", 3}, {3});
  sweep_convert({"pwrite", "EIO", 5}, {3});
  sweep_convert({"fallocate", "ENOSPC"}, {3});
  sweep_convert({"fsync", "EIO"}, {3});
  sweep_convert({"rename", "EIO"}, {3});
  sweep_convert({"linkat", "EIO"}, {3});
  sweep_convert({"fchmod", "EPERM"}, {3});
  sweep_convert({"open", "EACCES", 1, false, folder_.path()}, {3});
}

TEST_F(FaultsOfConvert, ShortAndInterruptedCallsAreMadeAgain) {
  const auto expect_done = [this](const Outcome& outcome) {
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(contents_of(output_) == new_);
  };
  for (const Fault& fault : {Fault{"pwrite", "short", 3}, Fault{"pwrite", "EINTR", 3},
                             Fault{"pread", "short", 11}, Fault{"pread", "EINTR", 11}}) {
    sweep(
        convert(), fault, [this] { put_old(); }, expect_done);
  }
  // And where every one of them is short.
  bool fired = false;
  expect_done(run_with_fault(convert(), {"pwrite", "short", 1, true}, 1, &fired));
  EXPECT_TRUE(fired);
}

TEST_F(FaultsOfConvert, AFileSystemWithoutNamelessFilesWillDo) {
  const auto expect_done = [this](const Outcome& outcome) {
    if (outcome.exit_code != 0) return expect_old_or_new(outcome, {3});
    EXPECT_TRUE(contents_of(output_) == new_);
    EXPECT_EQ(names_in(folder_.path()), Names{"o.gguf"});
  };
  sweep(
      convert(), {"open", "EOPNOTSUPP", 1, false, folder_.path()}, [this] { put_old(); },
      expect_done);
  sweep(
      convert(), {"fallocate", "EOPNOTSUPP"}, [this] { put_old(); }, expect_done);
}

TEST_F(FaultsOfConvert, ASourceThatCannotBeReadOrEndsIsAnError) {
  sweep_convert({"pread", "EIO", 7}, {3});
  sweep_convert({"pread", "end", 7}, {4});
}

TEST_F(FaultsOfConvert, MemoryThatIsRefusedIsExitCodeSix) {
  sweep(
      convert(), {"malloc", "ENOMEM", 311}, [this] { put_old(); },
      [&](const Outcome& outcome) {
        if (outcome.exit_code != 0) expect_error(outcome, {6});
        EXPECT_EQ(names_in(folder_.path()), Names{"o.gguf"});
        // Memory may end behind the replacement, while the report is written.
        const std::string found = contents_of(output_);
        EXPECT_TRUE(found == new_ || (found == "old" && outcome.exit_code == 6));
      });
}

TEST_F(FaultsOfConvert, SigtermInAnyPhaseEndsItWithEight) {
  sweep_terminate("pread", 9);
  sweep_terminate("pwrite", 4);
  sweep_terminate("fsync");
  sweep_terminate("rename");
}

class FaultsOfRun : public Faults {
 protected:
  static Call run(std::vector<std::string> more = {}) {
    Call call;
    call.arguments = {"run", "-m",     tiny_model(), "-p",     "a", "-n",
                      "3",   "--seed", "1",          "--temp", "0"};
    call.arguments.insert(call.arguments.end(), more.begin(), more.end());
    return call;
  }
  void SetUp() override {
    Faults::SetUp();
    if (IsSkipped()) return;
    const Outcome whole = run_program(run());
    ASSERT_EQ(whole.exit_code, 0) << whole.err;
    text_ = whole.out;
  }
  void sweep_run(const Fault& fault, const std::set<int>& codes) {
    sweep(run(), fault, {}, [&](const Outcome& outcome) {
      if (outcome.exit_code != 0) return expect_error(outcome, codes);
      EXPECT_EQ(outcome.out, text_) << outcome.err;
    });
  }
  std::string text_;
};

TEST_F(FaultsOfRun, MemoryThatIsRefusedIsExitCodeSix) {
  sweep_run({"mmap", "ENOMEM"}, {6});
  sweep_run({"malloc", "ENOMEM", 173}, {6});
}

// The caller that has no memory at all from some moment on, as under a limit.
TEST_F(FaultsOfRun, MemoryThatEndsForGoodIsExitCodeSix) {
  Fault fault{"malloc", "ENOMEM", 997, true};
  sweep_run(fault, {6});
}

TEST_F(FaultsOfRun, AModelThatCannotBeReadIsAnError) {
  sweep_run({"pread", "EIO", 3}, {3});
  sweep_run({"pread", "end", 3}, {4});
  sweep_run({"pread", "short", 7}, {});
  sweep_run({"pread", "EINTR", 7}, {});
  sweep_run({"open", "EMFILE", 1, false, tiny_model()}, {3});
}

TEST_F(FaultsOfRun, ThreadsThatCannotBeStartedAreAnErrorWithTheirNumber) {
  const Call call = run({"-t", "4"});
  sweep(call, {"pthread_create", "EAGAIN"}, {}, [](const Outcome& outcome) {
    expect_error(outcome, {1});
    EXPECT_NE(outcome.err.find("of 4 threads could be started"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("-t"), std::string::npos) << outcome.err;
  });
}

// What describes the machine is only advice: without it the same text comes out.
TEST_F(FaultsOfRun, ADescriptionOfTheMachineThatCannotBeReadChangesNothing) {
  for (const char* path : {"/proc", "/sys"}) {
    for (const Fault& fault :
         {Fault{"fopen", "EACCES", 7, false, path}, Fault{"fopen", "ENOENT", 1, true, path}}) {
      bool fired = false;
      for (int n = 1; n == 1 || (fired && !fault.onwards); n += fault.stride) {
        const Outcome outcome = run_with_fault(run(), fault, n, &fired);
        EXPECT_EQ(outcome.exit_code, 0) << path << " " << n << "\n" << outcome.err;
        EXPECT_EQ(outcome.out, text_) << path << " " << n;
        if (n == 1) {
          EXPECT_TRUE(fired) << path;
        }
      }
    }
  }
}

TEST_F(FaultsOfRun, AnInterruptedWriteOfTheTextIsMadeAgain) {
  sweep_run({"write", "EINTR"}, {});
  sweep_run({"write", "short"}, {});
  sweep_run({"write", "EIO"}, {1});
}

TEST_F(FaultsOfRun, SigtermInAnyPhaseEndsItWithEight) {
  const auto check = [](const Outcome& outcome) {
    EXPECT_TRUE(outcome.exit_code == 8 || outcome.exit_code == 0) << outcome.exit_code;
    EXPECT_EQ(lines_with(outcome.err, "error: "), 0) << outcome.err;
  };
  sweep(run(), {"open", "term"}, {}, check);
  sweep(run(), {"pread", "term", 3}, {}, check);
  sweep(run(), {"malloc", "term", 911}, {}, check);
  sweep(run(), {"write", "term"}, {}, check);
}

TEST_F(FaultsOfRun, AModelThatIsReplacedWhileItIsReadIsTheOldOneToTheEnd) {
  // The name stands for another file from the first read on; what was opened is read on.
  const std::string copy = folder_.file("model.gguf");
  Call call = run();
  call.arguments[2] = copy;
  sweep(
      call, {"pread", "replace", 3},
      [&] { std::ofstream(copy, std::ios::binary) << contents_of(tiny_model()); },
      [&](const Outcome& outcome) {
        if (outcome.exit_code == 0) {
          EXPECT_EQ(outcome.out, text_);
          return;
        }
        expect_error(outcome, {3, 4});
      });
}

TEST_F(FaultsOfRun, AModelThatIsCutWhileItIsReadIsAnError) {
  // A copy for each run, cut in the middle of loading.
  const std::string copy = folder_.file("model.gguf");
  Call call = run();
  call.arguments[2] = copy;
  sweep(
      call, {"pread", "truncate", 3},
      [&] { std::ofstream(copy, std::ios::binary) << contents_of(tiny_model()); },
      [&](const Outcome& outcome) {
        // Cut behind the last byte that was still to be read, nothing is lost.
        if (outcome.exit_code == 0) {
          EXPECT_EQ(outcome.out, text_);
          return;
        }
        expect_error(outcome, {4});
        EXPECT_NE(outcome.err.find("the file ends before"), std::string::npos) << outcome.err;
      });
}

class FaultsOfSmallFiles : public Faults {
 protected:
  Call with_folders(std::vector<std::string> arguments) const {
    Call call;
    call.arguments = std::move(arguments);
    call.variables = {{"XDG_CACHE_HOME", folder_.path()}, {"XDG_STATE_HOME", folder_.path()}};
    return call;
  }
  // Stores something twice; the second time is swept. exit_code: where storing was the purpose.
  void sweep_second(const Call& call, const std::string& file, const Fault& fault,
                    int exit_code = 0) {
    ASSERT_EQ(run_program(call).exit_code, 0);
    const std::string first = contents_of(file);
    ASSERT_FALSE(first.empty()) << file;
    const std::string name = file.substr(file.rfind('/') + 1);
    const std::string beside = file.substr(0, file.rfind('/'));
    sweep(
        call, fault, [&] { std::ofstream(file, std::ios::binary) << first; },
        [&](const Outcome& outcome) {
          // What could not be kept is said, once.
          // Beside a conversation may lie what it has computed.
          for (const std::string& found : names_in(beside)) {
            EXPECT_TRUE(found == name || found == name + ".kv") << found;
          }
          const bool kept = contents_of(file) == first;
          EXPECT_EQ(outcome.exit_code, kept ? exit_code : 0) << outcome.err;
          if (kept) {
            EXPECT_GE(lines_with(outcome.err, exit_code == 0 ? "warning: " : "error: "), 1)
                << outcome.err;
            EXPECT_NE(outcome.err.find(file), std::string::npos) << outcome.err;
          }
        });
  }
  std::vector<Fault> writing() const {
    return {{"pwrite", "ENOSPC"}, {"pwrite", "EIO"}, {"fsync", "EIO"},
            {"rename", "EACCES"}, {"linkat", "EIO"}, {"fchmod", "EPERM"}};
  }
};

TEST_F(FaultsOfSmallFiles, AConversationThatCannotBeSavedIsTheOldOne) {
  const Call call = with_folders({"chat", "-m", std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf",
                                  "-p", "Hello", "-n", "2", "--seed", "5", "--session", "s"});
  for (const Fault& fault : writing()) {
    SCOPED_TRACE(fault.call + fault.what);
    sweep_second(call, folder_.file("tern/sessions/s"), fault);
  }
}

TEST_F(FaultsOfSmallFiles, ATunedChoiceThatCannotBeStoredIsTheOldOne) {
  const Call call = with_folders({"tune", "-m", tiny_model(), "--budget", "0.02"});
  for (const Fault& fault : {Fault{"pwrite", "ENOSPC"}, Fault{"rename", "EIO"}}) {
    SCOPED_TRACE(fault.call + fault.what);
    sweep_second(call, folder_.file("tern/tune.json"), fault, 3);
  }
}

TEST_F(FaultsOfSmallFiles, APictureThatCannotBeDrawnIsTheOldOne) {
  const std::string result = folder_.file("result.json");
  const Outcome measured =
      tern({"bench", "-m", tiny_model(), "-p", "8", "-n", "2", "-r", "1", "--output", "json"});
  ASSERT_EQ(measured.exit_code, 0) << measured.err;
  std::ofstream(result) << measured.out;
  TempDir pictures;
  const std::string picture = pictures.file("p.svg");
  const Call call = with_folders({"bench", "--from", result, "--plot", picture});
  ASSERT_EQ(run_program(call).exit_code, 0);
  const std::string whole = contents_of(picture);
  for (const Fault& fault : writing()) {
    SCOPED_TRACE(fault.call + fault.what);
    sweep(
        call, fault, [&] { std::ofstream(picture) << "old"; },
        [&](const Outcome& outcome) {
          EXPECT_EQ(names_in(pictures.path()), Names{"p.svg"});
          if (outcome.exit_code != 0) expect_error(outcome, {3});
          EXPECT_EQ(contents_of(picture), outcome.exit_code == 0 ? whole : "old");
        });
  }
}

TEST_F(FaultsOfSmallFiles, FoldersThatCannotBeMadeAreSaid) {
  const Call call = with_folders({"chat", "-m", std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf",
                                  "-p", "Hello", "-n", "2", "--seed", "5", "--session", "s"});
  for (int n = 1; n <= 2; ++n) {
    bool fired = false;
    const Outcome outcome = run_with_fault(call, {"mkdir", "EACCES"}, n, &fired);
    ASSERT_TRUE(fired);
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(lines_with(outcome.err, "warning: "), 1) << outcome.err;
    EXPECT_FALSE(outcome.out.empty());
  }
}

}  // namespace
}  // namespace tern::test
