// Ends that come from outside: Ctrl-C, SIGTERM, readers that go away, a full disk.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "program.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;

/// A generation that does not end by itself.
Call endless(std::vector<std::string> more = {}) {
  Call call;
  call.arguments = {"run", "-m", tiny_model(), "-p", "x", "--ignore-eos", "--context-shift"};
  call.arguments.insert(call.arguments.end(), more.begin(), more.end());
  return call;
}

TEST(Signals, CtrlCEndsTheTextCleanlyWithExit130) {
  Call call = endless();
  call.signal = SIGINT;
  call.signal_after = 100;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_GE(outcome.out.size(), 100u);
  EXPECT_NE(outcome.err.find("stop: interrupted"), std::string::npos) << outcome.err;
}

TEST(Signals, SigtermExitsWithEight) {
  Call call = endless();
  call.signal = SIGTERM;
  call.signal_after = 100;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 8) << outcome.err;
  EXPECT_NE(outcome.err.find("stop: interrupted"), std::string::npos) << outcome.err;
}

TEST(Signals, JsonLinesStayWholeWhenInterrupted) {
  Call call = endless({"--output", "jsonl"});
  call.signal = SIGINT;
  call.signal_after = 5000;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 130);
  ASSERT_TRUE(outcome.out.ends_with('\n'));
  std::istringstream lines(outcome.out);
  Json last;
  for (std::string line; std::getline(lines, line);) {
    last = Json::parse(line, nullptr, false);
    ASSERT_TRUE(last.is_object()) << line;
  }
  EXPECT_EQ(last["event"], "stop");
  EXPECT_EQ(last["stop_reason"], "interrupted");
}

TEST(Signals, JsonIsValidWhenInterrupted) {
  // JSON prints nothing before the end, so the signal is sent by the clock. The text is endless: it
  // cannot come too late, and a second is enough to begin even under an emulator.
  Call call = endless({"--output", "json"});
  call.signal = SIGINT;
  call.signal_after = 0;
  call.signal_delay_ms = 1000;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.out.substr(0, 200);
  EXPECT_EQ(json["stop_reason"], "interrupted");
  EXPECT_GT(json["tokens"].size(), 0u);
}

TEST(Signals, AReaderThatGoesAwayEndsTheTextQuietly) {
  Call call = endless();
  call.close_output_after = 50;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err.find("error"), std::string::npos) << outcome.err;
}

Call unread() {
  Call call = endless();
  call.reads_nothing = true;
  return call;
}

TEST(Signals, AReaderThatDoesNotReadDoesNotKeepTheProgramFromEnding) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Call call = unread();
    call.signal = signal;
    call.signal_after = 60000;  // of 65536
    const Outcome outcome = run_program(call);
    EXPECT_EQ(outcome.exit_code, signal == SIGINT ? 130 : 8) << outcome.err;
  }
}

TEST(Signals, AReaderThatGoesAwayWithoutHavingReadEndsTheTextQuietly) {
  Call call = unread();
  call.close_output_after = 60000;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err.find("error"), std::string::npos) << outcome.err;
}

TEST(Signals, AClosedStandardOutputEndsTheTextQuietly) {
  Call call = endless();
  call.without_output = true;
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err.find("error"), std::string::npos) << outcome.err;
}

TEST(Signals, AFullDiskIsAnError) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  Call call = endless();
  call.output_file = "/dev/full";
  const Outcome outcome = run_program(call);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("standard output"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace tern::test
