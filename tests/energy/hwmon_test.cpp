#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "energy/fake_system.h"
#include "energy/hwmon_rules.h"
#include "energy/meter.h"

namespace tern::energy {
namespace {

using State = EnergySource::State;

const EnergyOptions kOptions = {.sysfs_root = "/fake/sys", .procfs_root = "/fake/proc"};
const std::string kHwmon = "/fake/sys/class/hwmon/";

/// A sensor; file is "energy1_input", its label goes beside it.
void add_sensor(FakeSystem& system, const std::string& chip, const std::string& driver,
                const std::string& file, const std::string& label, uint64_t value) {
  system.set(kHwmon + chip + "/name", driver + "\n");
  system.set(kHwmon + chip + "/" + file, value);
  if (!label.empty()) {
    system.set(kHwmon + chip + "/" + file.substr(0, file.rfind('_')) + "_label", label + "\n");
  }
}

void add_running(FakeSystem& system, const std::string& chip, const std::string& driver,
                 const std::string& file, const std::string& label, double watts) {
  add_sensor(system, chip, driver, file, label, 1000);
  system.run(kHwmon + chip + "/" + file, watts * 1e6);
}

EnergySource hwmon_source(FakeSystem& system) { return list_sources(kOptions, system)[2]; }

EnergyFigure measure(EnergyMeter& meter, FakeSystem& system, double seconds) {
  EnergyAccumulator accumulator(meter);
  accumulator.begin();
  system.advance(seconds);
  accumulator.end();
  return accumulator.figure();
}

TEST(HwmonRules, DriverAndLabelSayWhatASensorMeasures) {
  const std::vector<std::tuple<std::string, std::string, HwmonPart>> cases = {
      {"amd_energy", "Esocket0", HwmonPart::kPackage},
      {"amd_energy", "Ecore017", HwmonPart::kOther},
      {"xgene", "CPU power", HwmonPart::kPackage},
      {"xgene", "IO power", HwmonPart::kOther},
      {"spbm", "package_0", HwmonPart::kPackage},
      {"macsmc_hwmon", "Total System Power", HwmonPart::kSystem},
      {"macsmc_hwmon", "AC Input Power", HwmonPart::kOther},
      {"macsmc_hwmon", "3.8 V Rail Power", HwmonPart::kOther},
      {"power_meter", "", HwmonPart::kSystem},
      {"corsairpsu", "power total", HwmonPart::kSystem},
      {"unknown", "", HwmonPart::kOther},
      {"unknown", "GPU package", HwmonPart::kOther},
      {"unknown", "CPU + GPU total", HwmonPart::kOther},
      {"amdgpu", "PPT", HwmonPart::kOther},
      {"amdgpu", "package", HwmonPart::kOther},
      {"i915", "package", HwmonPart::kOther},
      {"xe", "card", HwmonPart::kOther},
      {"xe", "pkg", HwmonPart::kOther},
      {"nvme", "total", HwmonPart::kOther}};
  for (const auto& [driver, label, part] : cases) {
    EXPECT_EQ(hwmon_part(driver, label), part) << driver << ": " << label;
  }
}

TEST(Hwmon, SocketsOfAmdEnergyAddUpWithoutTheirCores) {
  auto system = std::make_shared<FakeSystem>();
  add_running(*system, "hwmon3", "amd_energy", "energy1_input", "Ecore000", 5.0);
  add_running(*system, "hwmon3", "amd_energy", "energy65_input", "Esocket0", 90.0);
  add_running(*system, "hwmon3", "amd_energy", "energy66_input", "Esocket1", 80.0);
  const auto meter = open_meter(kOptions, system);
  ASSERT_EQ(meter->kind(), EnergyKind::kMeasured) << meter->reason();
  EXPECT_EQ(meter->source(), "hwmon");
  ASSERT_EQ(meter->domains().size(), 2u);
  EXPECT_EQ(meter->domains()[0].name, "amd_energy Esocket0");
  EXPECT_NEAR(measure(*meter, *system, 4.0).joules, 680.0, 1e-3);
}

TEST(Hwmon, GraphicsCardsAndDisksAreNeverCounted) {
  auto system = std::make_shared<FakeSystem>();
  add_running(*system, "hwmon0", "i915", "energy1_input", "package", 30.0);
  add_sensor(*system, "hwmon1", "amdgpu", "power1_average", "PPT", 30'000'000);
  add_sensor(*system, "hwmon2", "nvme", "power1_input", "total", 5'000'000);
  EXPECT_EQ(hwmon_source(*system).state, State::kMissing);
  EXPECT_EQ(open_meter(kOptions, system)->kind(), EnergyKind::kNotAvailable);
}

TEST(Hwmon, TwoDriversForTheSameProcessorDoNotAddUp) {
  auto system = std::make_shared<FakeSystem>();
  add_running(*system, "hwmon0", "amd_energy", "energy1_input", "Esocket0", 90.0);
  add_running(*system, "hwmon1", "other_energy", "energy1_input", "socket0", 91.0);
  add_sensor(*system, "hwmon2", "power_meter", "power1_average", "", 200'000'000);
  const auto meter = open_meter(kOptions, system);
  EXPECT_NEAR(measure(*meter, *system, 10.0).joules, 900.0, 1e-3);
}

TEST(Hwmon, PowerIsSampledAndSummedUp) {
  auto system = std::make_shared<FakeSystem>();
  add_sensor(*system, "hwmon0", "macsmc_hwmon", "power1_input", "Total System Power", 8'000'000);
  const auto meter = open_meter(kOptions, system);
  ASSERT_EQ(meter->kind(), EnergyKind::kMeasured) << meter->reason();
  EXPECT_EQ(system->n_tasks(), 1u);
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->advance(2.0);
  // A step between two samples: with the trapezoid, half of a sample's time counts at either power.
  system->set(kHwmon + "hwmon0/power1_input", uint64_t{20'000'000});
  system->advance(3.0);
  accumulator.end();
  const EnergyFigure figure = accumulator.figure();
  ASSERT_EQ(figure.kind, EnergyKind::kMeasured) << figure.reason;
  EXPECT_NEAR(figure.joules, 2.0 * 8.0 + 3.0 * 20.0, 0.1 * 12.0);
}

TEST(Hwmon, APeakBetweenTheReadingsOfTheOwnerIsSeen) {
  auto system = std::make_shared<FakeSystem>();
  const std::string file = kHwmon + "hwmon0/power1_average";
  add_sensor(*system, "hwmon0", "power_meter", "power1_average", "", 10'000'000);
  const auto meter = open_meter(kOptions, system);
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->set(file, uint64_t{50'000'000});
  system->advance(10.0);
  system->set(file, uint64_t{10'000'000});
  accumulator.end();
  EXPECT_NEAR(accumulator.figure().joules, 500.0, 0.1 * 40.0);
}

TEST(Hwmon, AGapBetweenSamplesIsNoMeasurement) {
  auto system = std::make_shared<FakeSystem>();
  add_sensor(*system, "hwmon0", "power_meter", "power1_average", "", 10'000'000);
  // The system cannot call back for longer than the limit: the clock jumps inside a reading.
  auto meter = open_meter(kOptions, system);
  ASSERT_EQ(meter->kind(), EnergyKind::kMeasured);
  system->skip(5.0);
  const auto reading = meter->read();
  ASSERT_FALSE(reading.has_value());
  EXPECT_NE(reading.error().message.find("no sample of the power for 5.0 s"), std::string::npos)
      << reading.error().message;
}

TEST(Hwmon, WithoutAThreadPowerCannotBeMeasured) {
  auto system = std::make_shared<FakeSystem>();
  system->gives_threads = false;
  add_sensor(*system, "hwmon0", "power_meter", "power1_average", "", 10'000'000);
  const auto meter = open_meter(kOptions, system);
  EXPECT_EQ(meter->kind(), EnergyKind::kNotAvailable);
  EXPECT_NE(meter->reason().find("cannot start a thread"), std::string::npos);
}

TEST(Hwmon, TheMeanIsReadWhereThereIsOne) {
  auto system = std::make_shared<FakeSystem>();
  add_sensor(*system, "hwmon0", "power_meter", "power1_average", "", 10'000'000);
  add_sensor(*system, "hwmon0", "power_meter", "power1_input", "", 99'000'000);
  const auto meter = open_meter(kOptions, system);
  EXPECT_NEAR(measure(*meter, *system, 5.0).watts(), 10.0, 1e-9);
}

TEST(Hwmon, APowerMeterOfABatteryIsNotTheMachine) {
  FakeSystem system;
  add_sensor(system, "hwmon0", "power_meter", "power1_average", "", 10'000'000);
  system.set(kHwmon + "hwmon0/power1_is_battery", uint64_t{1});
  EXPECT_EQ(hwmon_source(system).state, State::kMissing);
}

TEST(Hwmon, ASensorWithoutPowerIsNotCounting) {
  FakeSystem system;
  add_sensor(system, "hwmon0", "power_meter", "power1_average", "", 0);
  EXPECT_EQ(hwmon_source(system).state, State::kNotCounting);
}

TEST(Hwmon, ACounterThatStandsStillIsNotCounting) {
  FakeSystem system;
  add_sensor(system, "hwmon0", "amd_energy", "energy1_input", "Esocket0", 5);
  EXPECT_EQ(hwmon_source(system).state, State::kNotCounting);
  EXPECT_EQ(hwmon_source(system).reason, "the counter stands still: amd_energy Esocket0");
}

TEST(Hwmon, ADeniedCounterComesWithARuleForItsFiles) {
  FakeSystem system;
  add_running(system, "hwmon3", "amd_energy", "energy65_input", "Esocket0", 90.0);
  add_running(system, "hwmon3", "amd_energy", "energy66_input", "Esocket1", 80.0);
  system.deny(kHwmon + "hwmon3/energy66_input");
  const EnergySource source = hwmon_source(system);
  EXPECT_EQ(source.state, State::kDenied);
  EXPECT_NE(source.remedy.find("ATTR{name}==\"amd_energy\""), std::string::npos) << source.remedy;
  EXPECT_NE(source.remedy.find("%S%p/energy65_input %S%p/energy66_input"), std::string::npos);
}

TEST(Hwmon, TextFromSysfsNeverBecomesACommand) {
  FakeSystem system;
  add_running(system, "hwmon0", "x\"; reboot; \"", "energy1_input", "Esocket0", 90.0);
  system.deny(kHwmon + "hwmon0/energy1_input");
  EXPECT_EQ(hwmon_source(system).state, State::kDenied);
  EXPECT_EQ(hwmon_source(system).remedy, "");
}

TEST(Hwmon, GarbageAndVanishedFilesAreErrors) {
  auto system = std::make_shared<FakeSystem>();
  const std::string file = kHwmon + "hwmon0/energy1_input";
  add_running(*system, "hwmon0", "amd_energy", "energy1_input", "Esocket0", 90.0);
  const auto meter = open_meter(kOptions, system);
  system->remove(file);
  EXPECT_FALSE(meter->read().has_value());
  system->stop(file);
  system->set(file, std::string("-17"));
  EXPECT_EQ(hwmon_source(*system).state, State::kNotCounting);
}

TEST(Hwmon, ACounterThatFallsIsAnError) {
  auto system = std::make_shared<FakeSystem>();
  add_running(*system, "hwmon0", "amd_energy", "energy1_input", "Esocket0", 90.0);
  const auto meter = open_meter(kOptions, system);
  system->set(kHwmon + "hwmon0/energy1_input", uint64_t{3});
  const auto reading = meter->read();
  ASSERT_FALSE(reading.has_value());
  EXPECT_NE(reading.error().message.find("fell from"), std::string::npos);
}

}  // namespace
}  // namespace tern::energy
