// The limits that `tern doctor` measures and keeps. Measuring takes seconds whatever the kernels,
// so these tests run once, not once per kernel set.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "program.h"
#include "support/temp_dir.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;

class DoctorLimitsTest : public testing::Test {
 protected:
  void SetUp() override {
    first_ = read({});
    const Json& problem = first_["problem"];
    if (problem.is_string() && problem.get<std::string>().find("memory") != std::string::npos) {
      GTEST_SKIP() << problem;
    }
    ASSERT_EQ(first_["measured"], true) << first_;
  }
  /// One thread of the plain kernels: enough to see what is kept.
  Json read(const std::vector<std::string>& more) {
    Call call;
    call.arguments = {"doctor", "--threads", "1", "--isa", "scalar", "--output", "json"};
    call.arguments.insert(call.arguments.end(), more.begin(), more.end());
    call.variables = {{"XDG_CACHE_HOME", folder_.path()}};
    const Outcome outcome = run_program(call);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    messages_ = outcome.err;
    const Json json = Json::parse(outcome.out, nullptr, false);
    return json.is_object() ? json["limits"] : Json();
  }
  TempDir folder_;
  Json first_;
  std::string messages_;  // of the last call
};

TEST_F(DoctorLimitsTest, AreMeasuredOnceAndThenKept) {
  EXPECT_EQ(first_["fresh"], true);
  EXPECT_EQ(first_["threads"], 1);
  EXPECT_EQ(first_["isa"], "scalar");
  for (const char* figure : {"read_gbps", "dot_gmacs", "fma_gflops"}) {
    EXPECT_GT(first_[figure].get<double>(), 0.0) << figure;
  }
  EXPECT_TRUE(first_["not_kept"].is_null()) << first_;
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{}, std::vector<std::string>{"--no-measure"}}) {
    const Json kept = read(flags);
    EXPECT_EQ(kept["fresh"], false);
    EXPECT_EQ(kept["read_gbps"], first_["read_gbps"]);
    EXPECT_EQ(kept["measured_at"], first_["measured_at"]);
  }
  EXPECT_EQ(read({"--measure"})["fresh"], true);
  EXPECT_EQ(messages_, "");
}

TEST_F(DoctorLimitsTest, AreMeasuredAnewWhenTheCacheIsDamaged) {
  std::ofstream(folder_.file("tern/limits.json")) << "{\"format\": \"tern-ca";
  EXPECT_EQ(read({"--no-measure"})["measured"], false);
  EXPECT_NE(messages_.find("damaged"), std::string::npos) << messages_;
  EXPECT_EQ(read({})["fresh"], true);
  EXPECT_EQ(read({"--no-measure"})["measured"], true);
  EXPECT_EQ(messages_, "");
}

TEST_F(DoctorLimitsTest, AreShownWhereTheyCannotBeKept) {
  std::filesystem::remove_all(folder_.file("tern"));
  std::ofstream(folder_.file("tern")) << "a file where the folder should be";
  const Json limits = read({});
  EXPECT_EQ(limits["fresh"], true);
  EXPECT_NE(limits["not_kept"].get<std::string>().find(folder_.file("tern")), std::string::npos)
      << limits;
}

TEST_F(DoctorLimitsTest, CtrlCEndsTheMeasurement) {
  Call call;
  call.arguments = {"doctor", "--measure", "--threads", "1"};
  call.variables = {{"XDG_CACHE_HOME", folder_.file("other")}};
  call.signal = SIGINT;
  call.signal_after = 0;
  call.signal_delay_ms = 300;
  const Outcome outcome = run_program(call);
  // Late signals find a program that has ended: then there is a report.
  if (outcome.exit_code != 0) {
    EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

}  // namespace
}  // namespace tern::test
