// From readings to figures, over a meter whose readings the test writes.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <string>

#include "energy/fake_system.h"
#include "energy/meter.h"
#include "support/energy_tree.h"

namespace tern::energy {
namespace {

class ScriptedMeter : public EnergyMeter {
 public:
  EnergyKind kind() const override { return kind_; }
  const std::string& source() const override { return source_; }
  const std::string& reason() const override { return reason_; }
  const std::string& remedy() const override { return remedy_; }
  const std::vector<EnergyDomain>& domains() const override { return domains_; }
  double min_window_seconds() const override { return 1.0; }
  Result<EnergyReading> read() override {
    if (fails) return Error{ErrorCode::kNotAvailable, "it broke", {}};
    return EnergyReading{seconds, {package, core}};
  }

  double seconds = 0.0;
  double package = 0.0;
  double core = 0.0;
  bool fails = false;

 private:
  EnergyKind kind_ = EnergyKind::kMeasured;
  std::string source_ = "scripted";
  std::string reason_;
  std::string remedy_;
  std::vector<EnergyDomain> domains_ = {{"package", true}, {"package/core", false}};
};

TEST(EnergyAccumulators, StretchesJoinAndWhatLiesBetweenIsLeftOut) {
  ScriptedMeter meter;
  EnergyAccumulator accumulator(meter);
  accumulator.begin();
  meter.seconds = 0.6;
  meter.package = 12.0;
  meter.core = 6.0;
  accumulator.end();
  meter.seconds = 100.0;
  meter.package = 1000.0;
  accumulator.begin();
  meter.seconds = 100.9;
  meter.package = 1018.0;
  meter.core = 15.0;
  accumulator.end();
  const EnergyFigure figure = accumulator.figure();
  ASSERT_EQ(figure.kind, EnergyKind::kMeasured) << figure.reason;
  EXPECT_NEAR(figure.seconds, 1.5, 1e-9);
  EXPECT_NEAR(figure.joules, 30.0, 1e-9);
  ASSERT_EQ(figure.domains.size(), 2u);
  EXPECT_EQ(figure.domains[1].name, "package/core");
  EXPECT_FALSE(figure.domains[1].counted);
  EXPECT_NEAR(figure.domains[1].joules, 15.0, 1e-9);
}

TEST(EnergyAccumulators, ShortStretchesSayHowLongTheyWere) {
  ScriptedMeter meter;
  EnergyAccumulator accumulator(meter);
  accumulator.begin();
  meter.seconds = 0.3;
  meter.package = 5.0;
  accumulator.end();
  EXPECT_EQ(accumulator.figure().kind, EnergyKind::kNotAvailable);
  EXPECT_EQ(accumulator.figure().reason, "measured for 0.3 s, but scripted needs 1 s");
}

TEST(EnergyAccumulators, NothingMeasuredIsNotZero) {
  ScriptedMeter meter;
  EnergyAccumulator accumulator(meter);
  EXPECT_EQ(accumulator.figure().reason, "nothing was measured");
  accumulator.end();
  EXPECT_EQ(accumulator.figure().reason, "nothing was measured");
  accumulator.begin();
  EXPECT_EQ(accumulator.figure().reason, "nothing was measured");
}

TEST(EnergyAccumulators, AStretchThatIsBegunAgainIsDropped) {
  ScriptedMeter meter;
  EnergyAccumulator accumulator(meter);
  accumulator.begin();
  meter.seconds = 50.0;
  meter.package = 500.0;
  accumulator.begin();
  meter.seconds = 52.0;
  meter.package = 520.0;
  accumulator.end();
  EXPECT_NEAR(accumulator.figure().joules, 20.0, 1e-9);
  EXPECT_NEAR(accumulator.figure().seconds, 2.0, 1e-9);
}

TEST(EnergyAccumulators, AFailedReadingSpoilsTheSum) {
  for (const bool at_begin : {true, false}) {
    ScriptedMeter meter;
    EnergyAccumulator accumulator(meter);
    meter.fails = at_begin;
    accumulator.begin();
    meter.seconds = 2.0;
    meter.package = 5.0;
    meter.fails = !at_begin;
    accumulator.end();
    meter.fails = false;
    accumulator.begin();
    meter.seconds = 4.0;
    meter.package = 10.0;
    accumulator.end();
    EXPECT_EQ(accumulator.figure().kind, EnergyKind::kNotAvailable);
    EXPECT_EQ(accumulator.figure().reason, "it broke");
  }
}

TEST(EnergyAccumulators, ACounterThatStandsStillIsNotZeroJoules) {
  ScriptedMeter meter;
  EnergyAccumulator accumulator(meter);
  accumulator.begin();
  meter.seconds = 5.0;
  meter.core = 3.0;  // moves, but is not counted
  accumulator.end();
  EXPECT_EQ(accumulator.figure().kind, EnergyKind::kNotAvailable);
  EXPECT_EQ(accumulator.figure().reason, "the counter stood still");
}

EnergyFigure figure_of(double seconds, double joules) {
  EnergyFigure figure;
  figure.kind = EnergyKind::kMeasured;
  figure.seconds = seconds;
  figure.joules = joules;
  figure.domains = {{"package", true, joules}, {"core", false, joules / 2.0}};
  return figure;
}

TEST(IdleEnergy, WhatTheIdleMachineWouldHaveTakenIsSubtracted) {
  const EnergyFigure above = subtract_idle(figure_of(10.0, 200.0), figure_of(2.0, 6.0));
  EXPECT_EQ(above.kind, EnergyKind::kMeasured);
  EXPECT_DOUBLE_EQ(above.joules, 170.0);
  EXPECT_DOUBLE_EQ(above.seconds, 10.0);
  ASSERT_EQ(above.domains.size(), 2u);
  EXPECT_DOUBLE_EQ(above.domains[0].joules, 170.0);
  EXPECT_DOUBLE_EQ(above.domains[1].joules, 85.0);
}

TEST(IdleEnergy, TheDifferenceIsNeverBelowZero) {
  EXPECT_DOUBLE_EQ(subtract_idle(figure_of(10.0, 20.0), figure_of(2.0, 6.0)).joules, 0.0);
}

TEST(IdleEnergy, WhereOneIsMissingSoIsTheDifference) {
  EnergyFigure missing;
  missing.reason = "no counter";
  EXPECT_EQ(subtract_idle(missing, figure_of(1.0, 1.0)).kind, EnergyKind::kNotAvailable);
  EXPECT_EQ(subtract_idle(missing, figure_of(1.0, 1.0)).reason, "no counter");
  EXPECT_EQ(subtract_idle(figure_of(1.0, 1.0), missing).kind, EnergyKind::kNotAvailable);
  EXPECT_EQ(subtract_idle(figure_of(1.0, 1.0), missing).reason, "no idle power: no counter");
  EXPECT_EQ(subtract_idle(figure_of(1.0, 1.0), figure_of(0.0, 0.0)).kind,
            EnergyKind::kNotAvailable);
}

const EnergyOptions kOptions = {.sysfs_root = "/fake/sys", .procfs_root = "/fake/proc"};

std::shared_ptr<FakeSystem> running_machine() {
  auto system = std::make_shared<FakeSystem>();
  test::add_zone(*system, "/fake/sys", "intel-rapl:0", "package-0", 1);
  system->run(test::zone_energy("/fake/sys", "intel-rapl:0"), 4e6);
  return system;
}

TEST(IdleEnergy, IsMeasuredForTheWindowOrLonger) {
  const auto system = running_machine();
  const auto meter = open_meter(kOptions, system);
  for (const auto& [asked, expected] : {std::pair(0.2, 1.0), std::pair(3.0, 3.0),
                                        std::pair(std::numeric_limits<double>::quiet_NaN(), 1.0)}) {
    const EnergyFigure idle = measure_idle(*meter, asked, nullptr, *system);
    ASSERT_EQ(idle.kind, EnergyKind::kMeasured) << idle.reason;
    EXPECT_NEAR(idle.seconds, expected, 0.01);
    EXPECT_GE(idle.seconds, expected);
    EXPECT_NEAR(idle.watts(), 4.0, 1e-4);
  }
}

TEST(IdleEnergy, AnInterruptEndsItWithinFiftyMilliseconds) {
  const auto system = running_machine();
  const auto meter = open_meter(kOptions, system);
  std::atomic<bool> interrupt{false};
  double interrupted_at = 0.0;
  const double begin = system->now_seconds();
  system->on_sleep = [&] {
    if (!interrupt.load() && system->now_seconds() - begin > 2.0) {
      interrupt = true;
      interrupted_at = system->now_seconds();
    }
  };
  double longest = 0.0;
  double last = begin;
  const auto watch = system->on_sleep;
  system->on_sleep = [&] {
    longest = std::max(longest, system->now_seconds() - last);
    last = system->now_seconds();
    watch();
  };
  const EnergyFigure idle = measure_idle(*meter, 500.0, &interrupt, *system);
  EXPECT_EQ(idle.kind, EnergyKind::kNotAvailable);
  EXPECT_EQ(idle.reason, "interrupted");
  EXPECT_DOUBLE_EQ(system->now_seconds(), interrupted_at);
  EXPECT_LE(longest, 0.0501);
}

TEST(IdleEnergy, AnEndlessWaitIsCut) {
  const auto system = running_machine();
  const auto meter = open_meter(kOptions, system);
  const EnergyFigure idle =
      measure_idle(*meter, std::numeric_limits<double>::infinity(), nullptr, *system);
  EXPECT_NEAR(idle.seconds, 600.0, 0.1);
}

TEST(IdleEnergy, AGivenPowerOrNoSourceHasNone) {
  const auto system = running_machine();
  const auto given = open_meter({.power_watts = 9.0}, system);
  EXPECT_EQ(measure_idle(*given, 1.0, nullptr, *system).reason,
            "a given power does not tell what an idle machine takes");
  const auto none = make_null_meter("nothing there", "");
  EXPECT_EQ(measure_idle(*none, 1.0, nullptr, *system).reason, "nothing there");
  EXPECT_EQ(measure_idle(*none, 1.0).reason, "nothing there");
}

}  // namespace
}  // namespace tern::energy
