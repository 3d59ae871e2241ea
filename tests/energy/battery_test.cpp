#include <gtest/gtest.h>

#include <string>

#include "energy/fake_system.h"
#include "energy/meter.h"
#include "support/energy_tree.h"

namespace tern::energy {
namespace {

using test::add_battery;
using test::add_charger;
using State = EnergySource::State;

const EnergyOptions kOptions = {.sysfs_root = "/fake/sys", .procfs_root = "/fake/proc"};
const std::string kRoot = kOptions.sysfs_root;
const std::string kSupplies = kRoot + "/class/power_supply/";

EnergySource battery_source(FakeSystem& system) { return list_sources(kOptions, system)[3]; }

/// A laptop on battery, charger unplugged.
std::shared_ptr<FakeSystem> laptop() {
  auto system = std::make_shared<FakeSystem>();
  add_charger(*system, kRoot, "AC", false);
  add_battery(*system, kRoot, "BAT0", "Discharging", 40'000'000);
  return system;
}

TEST(Battery, WhatLeavesItIsTheEnergyOfTheWholeMachine) {
  const auto system = laptop();
  const auto meter = open_meter(kOptions, system);
  ASSERT_EQ(meter->kind(), EnergyKind::kMeasured) << meter->reason();
  EXPECT_EQ(meter->source(), "battery");
  EXPECT_EQ(meter->min_window_seconds(), 300.0);
  EXPECT_NE(battery_source(*system).detail.find("the whole machine"), std::string::npos);
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->advance(200.0);
  system->set(kSupplies + "BAT0/energy_now", uint64_t{39'000'000});
  system->advance(200.0);
  accumulator.end();
  const EnergyFigure figure = accumulator.figure();
  ASSERT_EQ(figure.kind, EnergyKind::kMeasured) << figure.reason;
  EXPECT_NEAR(figure.joules, 3600.0, 1e-6);  // 1 Wh
  EXPECT_NEAR(figure.watts(), 9.0, 1e-9);
}

TEST(Battery, LessThanFiveMinutesIsTooShort) {
  const auto system = laptop();
  const auto meter = open_meter(kOptions, system);
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->set(kSupplies + "BAT0/energy_now", uint64_t{39'000'000});
  system->advance(299.0);
  accumulator.end();
  EXPECT_EQ(accumulator.figure().kind, EnergyKind::kNotAvailable);
  EXPECT_EQ(accumulator.figure().reason, "measured for 299 s, but battery needs 300 s");
  EXPECT_DOUBLE_EQ(accumulator.figure().seconds, 299.0);
}

TEST(Battery, SeveralBatteriesAddUp) {
  const auto system = laptop();
  add_battery(*system, kRoot, "BAT1", "Unknown", 20'000'000);
  const auto meter = open_meter(kOptions, system);
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->set(kSupplies + "BAT0/energy_now", uint64_t{39'000'000});
  system->set(kSupplies + "BAT1/energy_now", uint64_t{19'500'000});
  system->advance(400.0);
  accumulator.end();
  EXPECT_NEAR(accumulator.figure().joules, 1.5 * 3600.0, 1e-6);
  EXPECT_EQ(accumulator.figure().domains.size(), 2u);
}

TEST(Battery, ChargeTimesVoltageStandsInForEnergy) {
  auto system = std::make_shared<FakeSystem>();
  const std::string battery = kSupplies + "macsmc-battery/";
  system->set(battery + "type", std::string("Battery\n"));
  system->set(battery + "status", std::string("Discharging\n"));
  system->set(battery + "charge_now", uint64_t{4'000'000});
  system->set(battery + "voltage_now", uint64_t{12'000'000});
  const auto meter = open_meter(kOptions, system);
  ASSERT_EQ(meter->kind(), EnergyKind::kMeasured) << meter->reason();
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->set(battery + "charge_now", uint64_t{3'900'000});
  system->set(battery + "voltage_now", uint64_t{11'800'000});
  system->advance(400.0);
  accumulator.end();
  EXPECT_NEAR(accumulator.figure().joules, 0.1 * 11.9 * 3600.0, 1e-6);
  // Charge without a voltage is no energy.
  system->remove(battery + "voltage_now");
  EXPECT_EQ(battery_source(*system).state, State::kNotCounting);
}

TEST(Battery, OnMainsItDoesNotCount) {
  const auto system = laptop();
  add_charger(*system, kRoot, "AC", true);
  const EnergySource source = battery_source(*system);
  EXPECT_EQ(source.state, State::kNotCounting);
  EXPECT_EQ(source.reason, "the machine is on mains: AC is online");
  EXPECT_NE(source.remedy.find("unplug"), std::string::npos);
  const auto meter = open_meter(kOptions, system);
  EXPECT_EQ(meter->kind(), EnergyKind::kNotAvailable);
  // Not a matter of rights: no remedy that would have to be undone.
  EXPECT_EQ(meter->remedy(), "");
}

TEST(Battery, WhileChargingOrFullItDoesNotCount) {
  for (const char* status : {"Charging", "Full", "Not charging", "Unknown", ""}) {
    FakeSystem system;
    add_battery(system, kRoot, "BAT0", status, 40'000'000);
    EXPECT_EQ(battery_source(system).state, State::kNotCounting) << status;
  }
}

TEST(Battery, AChargerDuringTheMeasurementIsSeen) {
  const auto system = laptop();
  const auto meter = open_meter(kOptions, system);
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->set(kSupplies + "BAT0/energy_now", uint64_t{39'000'000});
  system->advance(100.0);
  add_charger(*system, kRoot, "AC", true);  // for half a minute
  system->advance(30.0);
  add_charger(*system, kRoot, "AC", false);
  system->advance(300.0);
  accumulator.end();
  EXPECT_EQ(accumulator.figure().kind, EnergyKind::kNotAvailable);
  EXPECT_EQ(accumulator.figure().reason, "the machine is on mains: AC is online");
}

TEST(Battery, ABatteryThatFillsIsAnError) {
  const auto system = laptop();
  const auto meter = open_meter(kOptions, system);
  system->set(kSupplies + "BAT0/energy_now", uint64_t{41'000'000});
  EXPECT_FALSE(meter->read().has_value());
}

TEST(Battery, BatteriesOfMiceAndEmptyBaysAreNotTheMachine) {
  FakeSystem system;
  add_battery(system, kRoot, "hidpp_battery_0", "Discharging", 1000);
  system.set(kSupplies + "hidpp_battery_0/scope", std::string("Device\n"));
  add_battery(system, kRoot, "BAT1", "Discharging", 1000);
  system.set(kSupplies + "BAT1/present", std::string("0\n"));
  EXPECT_EQ(battery_source(system).state, State::kMissing);
}

TEST(Battery, ItIsNotWaitedForIdle) {
  const auto system = laptop();
  const auto meter = open_meter(kOptions, system);
  const EnergyFigure idle = measure_idle(*meter, 1.0, nullptr, *system);
  EXPECT_EQ(idle.kind, EnergyKind::kNotAvailable);
  EXPECT_EQ(idle.reason, "battery needs 300 s, too long to wait idle");
}

TEST(Battery, ALevelThatStandsStillIsNoFigure) {
  const auto system = laptop();
  const auto meter = open_meter(kOptions, system);
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->advance(400.0);
  accumulator.end();
  EXPECT_EQ(accumulator.figure().reason, "the counter stood still");
}

}  // namespace
}  // namespace tern::energy
