#include "threading/pinning.h"

#include <gtest/gtest.h>

namespace tern {
namespace {

// Four cores of two hardware threads: core i has CPUs i and i + 4.
PinningFacts whole_machine() {
  PinningFacts facts;
  facts.usable = {0, 1, 2, 3, 4, 5, 6, 7};
  facts.leaders = {0, 1, 2, 3};
  facts.n_online = 8;
  return facts;
}

std::vector<int> cpus_of(PinMode mode, int n_threads, const PinningFacts& facts) {
  const auto pinning = decide_pinning(mode, n_threads, facts);
  EXPECT_TRUE(pinning);
  EXPECT_FALSE(pinning && pinning->reason.empty());
  return pinning ? pinning->cpus : std::vector<int>{-1};
}

std::string reason_of(int n_threads, const PinningFacts& facts) {
  const auto pinning = decide_pinning(PinMode::kAuto, n_threads, facts);
  EXPECT_TRUE(pinning);
  return pinning ? pinning->reason : "";
}

TEST(Pinning, AutomaticallyWithOneWorkerPerCore) {
  EXPECT_EQ(cpus_of(PinMode::kAuto, 4, whole_machine()), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(reason_of(4, whole_machine()), "one worker per core");
}

TEST(Pinning, NotAutomaticallyWithAnotherNumberOfWorkers) {
  for (int n : {1, 2, 3, 5, 8, 100}) {
    EXPECT_TRUE(cpus_of(PinMode::kAuto, n, whole_machine()).empty()) << n;
  }
  EXPECT_EQ(reason_of(1, whole_machine()), "one worker");
  EXPECT_EQ(reason_of(3, whole_machine()), "fewer workers than cores");
  EXPECT_EQ(reason_of(5, whole_machine()), "more workers than cores");
}

TEST(Pinning, NotAutomaticallyInAProcessThatIsConfined) {
  PinningFacts facts = whole_machine();
  facts.usable = {2, 3, 6, 7};
  facts.leaders = {2, 3};
  EXPECT_TRUE(cpus_of(PinMode::kAuto, 2, facts).empty());
  EXPECT_EQ(reason_of(2, facts), "this process may not use all CPUs");
}

TEST(Pinning, NotAutomaticallyUnderAQuotaBelowTheCores) {
  PinningFacts facts = whole_machine();
  facts.quota_cores = 3.5;
  EXPECT_TRUE(cpus_of(PinMode::kAuto, 4, facts).empty());
  EXPECT_EQ(reason_of(4, facts), "the control group limits CPU time");
  facts.quota_cores = 4.0;
  EXPECT_EQ(cpus_of(PinMode::kAuto, 4, facts).size(), 4u);
}

TEST(Pinning, NotAutomaticallyBesideManyOtherPrograms) {
  PinningFacts facts = whole_machine();
  facts.load_average = 4.5;
  EXPECT_EQ(cpus_of(PinMode::kAuto, 4, facts).size(), 4u);
  facts.load_average = 6.5;
  EXPECT_TRUE(cpus_of(PinMode::kAuto, 4, facts).empty());
  EXPECT_EQ(reason_of(4, facts), "other programs are running");
  EXPECT_EQ(cpus_of(PinMode::kOn, 4, facts).size(), 4u);
}

TEST(Pinning, OnRequestTakesCoresFirstAndThenTheirSecondThreads) {
  EXPECT_EQ(cpus_of(PinMode::kOn, 1, whole_machine()), (std::vector<int>{0}));
  EXPECT_EQ(cpus_of(PinMode::kOn, 3, whole_machine()), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(cpus_of(PinMode::kOn, 6, whole_machine()), (std::vector<int>{0, 1, 2, 3, 4, 5}));
  PinningFacts confined = whole_machine();
  confined.usable = {3, 6, 7};
  confined.leaders = {3, 6};
  EXPECT_EQ(cpus_of(PinMode::kOn, 3, confined), (std::vector<int>{3, 6, 7}));
}

TEST(Pinning, OnRequestRefusesMoreWorkersThanHardwareThreads) {
  PinningFacts facts = whole_machine();
  facts.usable = {2};
  facts.leaders = {2};
  const auto pinning = decide_pinning(PinMode::kOn, 2, facts);
  ASSERT_FALSE(pinning);
  EXPECT_EQ(pinning.error().code, ErrorCode::kUsage);
  EXPECT_NE(pinning.error().message.find("2 workers"), std::string::npos);
  EXPECT_FALSE(pinning.error().hint.empty());
}

TEST(Pinning, OffOnRequest) { EXPECT_TRUE(cpus_of(PinMode::kOff, 4, whole_machine()).empty()); }

TEST(Pinning, KnowsThisMachine) {
  const PinningFacts facts = gather_pinning_facts();
  EXPECT_FALSE(facts.usable.empty());
  EXPECT_LE(facts.leaders.size(), facts.usable.size());
  EXPECT_LE(static_cast<int>(facts.usable.size()), facts.n_online);
}

}  // namespace
}  // namespace tern
