// A program that is killed at any moment: what it was writing is the old file or the whole new one,
// what it may leave behind is recognisable, and the next run removes it.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "fault_sweep.h"

namespace tern::test {
namespace {

// Every file of the folder is the one that was written, or a temporary one of a killed program.
int n_left_behind(const std::string& folder, const std::string& name) {
  int n = 0;
  for (const std::string& found : names_in(folder)) {
    // Beside a conversation lies what it has computed.
    if (found == name || found == name + ".kv") continue;
    EXPECT_TRUE(std::regex_match(found, std::regex("\\.tern-[0-9]+-[0-9]+\\.tmp"))) << found;
    ++n;
  }
  return n;
}

class Kill : public testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = no_faults_here();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }
  TempDir folder_;
};

TEST_F(Kill, AtAnyCallThatWritesLeavesTheOldOrTheWholeConvertedFile) {
  const TempDir other;
  const std::string whole = other.file("whole.gguf");
  ASSERT_EQ(tern({"convert", tiny_model(), whole}).exit_code, 0);
  const std::string now = contents_of(whole);
  const std::string output = folder_.file("o.gguf");
  Call call;
  call.arguments = {"convert", tiny_model(), output, "--force", "--no-verify"};
  int n_old = 0;
  int n_new = 0;
  int n_left = 0;
  sweep(
      call, {"any", "kill"}, [&] { std::ofstream(output) << "old"; },
      [&](const Outcome& outcome) {
        EXPECT_EQ(outcome.exit_code, 128 + SIGKILL);
        const std::string found = contents_of(output);
        EXPECT_TRUE(found == "old" || found == now) << found.size() << " bytes";
        found == "old" ? ++n_old : ++n_new;
        n_left += n_left_behind(folder_.path(), "o.gguf");
      });
  EXPECT_GT(n_old, 5);
  EXPECT_GT(n_new, 0) << "the last call comes behind the replacement";
  // The last run of the sweep met no fault: it replaced the file in spite of what lay there.
  EXPECT_TRUE(contents_of(output) == now);
  EXPECT_GT(n_left, 0) << "killed between the link and the replacement";
  EXPECT_EQ(n_left_behind(folder_.path(), "o.gguf"), 0);
}

TEST_F(Kill, AtRandomMomentsLeavesTheOldOrTheWholeConvertedFile) {
  const TempDir other;
  const std::string whole = other.file("whole.gguf");
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(tern({"convert", tiny_model(), whole}).exit_code, 0);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  const std::string now = contents_of(whole);
  const std::string output = folder_.file("o.gguf");
  constexpr uint32_t kSeed = 71;
  std::mt19937 random(kSeed);
  for (int i = 0; i < 25; ++i) {
    std::ofstream(output) << "old";
    Call call;
    call.arguments = {"convert", tiny_model(), output, "--force", "--no-verify"};
    call.signal = SIGKILL;
    call.signal_after = 0;
    call.signal_delay_ms = static_cast<int>(random() % (static_cast<uint32_t>(took.count()) + 2));
    const Outcome outcome = run_program(call);
    const std::string found = contents_of(output);
    EXPECT_TRUE(found == "old" || found == now)
        << found.size() << " bytes after " << call.signal_delay_ms << " ms, seed " << kSeed;
    if (outcome.exit_code == 0) {
      EXPECT_TRUE(found == now);
    }
    n_left_behind(folder_.path(), "o.gguf");
  }
}

TEST_F(Kill, AtAnyCallThatWritesLeavesAConversationThatGoesOn) {
  Call call;
  call.arguments = {"chat",      "-m",     std::string(TERN_MODELS_DIR) + "/demo-i2_s.gguf",
                    "-p",        "Well",   "-n",
                    "2",         "--seed", "5",
                    "--session", "s"};
  call.variables = {{"XDG_STATE_HOME", folder_.path()}};
  ASSERT_EQ(run_program(call).exit_code, 0);
  const std::string sessions = folder_.file("tern/sessions");
  const std::string first = contents_of(sessions + "/s");
  sweep(
      call, {"any", "kill"}, [&] { std::ofstream(sessions + "/s", std::ios::binary) << first; },
      [&](const Outcome& outcome) {
        EXPECT_EQ(outcome.exit_code, 128 + SIGKILL);
        n_left_behind(sessions, "s");
        // Whichever it is, the next question goes on with it.
        const Outcome next = run_program(call);
        EXPECT_EQ(next.exit_code, 0) << next.err;
        EXPECT_NE(next.err.find("going on with s"), std::string::npos) << next.err;
        EXPECT_EQ(n_left_behind(sessions, "s"), 0);
      });
}

}  // namespace
}  // namespace tern::test
