#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "energy/fake_system.h"
#include "energy/meter.h"
#include "support/energy_tree.h"

namespace tern::energy {
namespace {

using test::add_zone;
using test::zone_energy;
using State = EnergySource::State;

const EnergyOptions kOptions = {.sysfs_root = "/fake/sys", .procfs_root = "/fake/proc"};
const std::string kRoot = kOptions.sysfs_root;

/// A zone whose counter runs at so many watts.
void add_running(FakeSystem& system, const std::string& zone, const std::string& name, double watts,
                 uint64_t energy_uj = 1000, uint64_t range_uj = test::kPackageRangeUj) {
  add_zone(system, kRoot, zone, name, energy_uj, range_uj);
  system.run(zone_energy(kRoot, zone), watts * 1e6, range_uj);
}

std::shared_ptr<FakeSystem> one_socket() {
  auto system = std::make_shared<FakeSystem>();
  add_running(*system, "intel-rapl:0", "package-0", 20.0);
  add_running(*system, "intel-rapl:0:0", "core", 12.0);
  add_running(*system, "intel-rapl:0:1", "uncore", 1.0);
  add_running(*system, "intel-rapl:0:2", "dram", 3.0);
  return system;
}

/// Figure of a stretch of so many seconds.
EnergyFigure measure(EnergyMeter& meter, FakeSystem& system, double seconds) {
  EnergyAccumulator accumulator(meter);
  accumulator.begin();
  system.advance(seconds);
  accumulator.end();
  return accumulator.figure();
}

std::vector<std::string> names(const EnergyMeter& meter, bool counted) {
  std::vector<std::string> result;
  for (const EnergyDomain& domain : meter.domains()) {
    if (domain.counted == counted) result.push_back(domain.name);
  }
  return result;
}

TEST(Powercap, PackageAndMemoryAddUpAndPartsAreReported) {
  const auto system = one_socket();
  const auto meter = open_meter(kOptions, system);
  EXPECT_EQ(meter->kind(), EnergyKind::kMeasured);
  EXPECT_EQ(meter->source(), "powercap");
  EXPECT_EQ(meter->reason(), "");
  EXPECT_EQ(meter->min_window_seconds(), 1.0);
  EXPECT_EQ(names(*meter, true), (std::vector<std::string>{"package-0", "dram-0"}));
  EXPECT_EQ(names(*meter, false), (std::vector<std::string>{"package-0/core", "package-0/uncore"}));
  const EnergyFigure figure = measure(*meter, *system, 10.0);
  ASSERT_EQ(figure.kind, EnergyKind::kMeasured) << figure.reason;
  EXPECT_NEAR(figure.joules, 230.0, 1e-3);
  EXPECT_NEAR(figure.watts(), 23.0, 1e-4);
  EXPECT_DOUBLE_EQ(figure.seconds, 10.0);
  ASSERT_EQ(figure.domains.size(), 4u);
  for (const EnergyDomainFigure& domain : figure.domains) {
    if (domain.name == "package-0/core") {
      EXPECT_NEAR(domain.joules, 120.0, 1e-3);
      EXPECT_FALSE(domain.counted);
    }
  }
}

TEST(Powercap, SocketsAndDiesAddUp) {
  auto system = one_socket();
  add_running(*system, "intel-rapl:1", "package-1-die-0", 30.0);
  add_running(*system, "intel-rapl:1:0", "dram", 4.0);
  add_running(*system, "intel-rapl:2", "package-1-die-1", 7.0);
  const auto meter = open_meter(kOptions, system);
  EXPECT_EQ(names(*meter, true), (std::vector<std::string>{"package-0", "dram-0", "package-1-die-0",
                                                           "dram-1-die-0", "package-1-die-1"}));
  EXPECT_NEAR(measure(*meter, *system, 2.0).joules, 2.0 * 64.0, 1e-3);
}

TEST(Powercap, MmioZonesOfTheSamePackageDoNotCountAgain) {
  auto system = one_socket();
  add_running(*system, "intel-rapl-mmio:0", "package-0", 20.0);
  add_running(*system, "intel-rapl-mmio:0:0", "dram", 3.0);
  const auto meter = open_meter(kOptions, system);
  EXPECT_NEAR(measure(*meter, *system, 10.0).joules, 230.0, 1e-3);
  EXPECT_EQ(meter->domains().size(), 4u);
}

TEST(Powercap, MmioZonesCountWhereTheyAreAlone) {
  auto system = std::make_shared<FakeSystem>();
  add_running(*system, "intel-rapl-mmio:0", "package-0", 20.0);
  const auto meter = open_meter(kOptions, system);
  EXPECT_NEAR(measure(*meter, *system, 10.0).joules, 200.0, 1e-3);
}

TEST(Powercap, ThePlatformIsReportedBesidePackagesAndCountsWithoutThem) {
  auto system = one_socket();
  add_running(*system, "intel-rapl:1", "psys", 60.0);
  const auto meter = open_meter(kOptions, system);
  EXPECT_NEAR(measure(*meter, *system, 10.0).joules, 230.0, 1e-3);
  const auto reported = names(*meter, false);
  EXPECT_NE(std::find(reported.begin(), reported.end(), "psys"), reported.end());

  auto alone = std::make_shared<FakeSystem>();
  add_running(*alone, "intel-rapl:0", "psys", 60.0);
  const auto platform = open_meter(kOptions, alone);
  EXPECT_NEAR(measure(*platform, *alone, 10.0).joules, 600.0, 1e-3);
}

TEST(Powercap, ZonesOfOtherKindsAreNotCounters) {
  auto system = std::make_shared<FakeSystem>();
  for (const char* zone : {"dtpm:0", "intel-rapl", "intel-rapl:x", "intel-rapl:0:0:0",
                           "intel-rapl:-1", "arm-scmi:0", "intel-rapl:"}) {
    add_running(*system, zone, "package-0", 20.0);
  }
  EXPECT_EQ(open_meter(kOptions, system)->kind(), EnergyKind::kNotAvailable);
}

TEST(Powercap, ACounterThatGoesRoundLosesNothing) {
  auto system = std::make_shared<FakeSystem>();
  add_running(*system, "intel-rapl:0", "package-0", 20.0, test::kPackageRangeUj - 30'000'000);
  const auto meter = open_meter(kOptions, system);
  const EnergyFigure figure = measure(*meter, *system, 10.0);  // round after 1.5 s
  ASSERT_EQ(figure.kind, EnergyKind::kMeasured) << figure.reason;
  EXPECT_NEAR(figure.joules, 200.0, 1e-3);
}

TEST(Powercap, ACounterMayGoRoundManyTimesBetweenTwoReadings) {
  // 66 kJ at 500 W: round after 131 s. The stretch is an hour, and its owner reads at the ends
  // only.
  constexpr uint64_t kRange = 65'712'999'613;
  auto system = std::make_shared<FakeSystem>();
  add_running(*system, "intel-rapl:0", "package-0", 500.0, 7, kRange);
  const auto meter = open_meter(kOptions, system);
  const EnergyFigure figure = measure(*meter, *system, 3600.0);
  ASSERT_EQ(figure.kind, EnergyKind::kMeasured) << figure.reason;
  EXPECT_NEAR(figure.joules, 1.8e6, 1.0);
}

TEST(Powercap, ACounterThatBeginsAgainIsNoWrap) {
  auto system = std::make_shared<FakeSystem>();
  add_running(*system, "intel-rapl:0", "package-0", 20.0, 100'000'000'000);
  const auto meter = open_meter(kOptions, system);
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->set(zone_energy(kRoot, "intel-rapl:0"), uint64_t{5});
  system->advance(2.0);
  accumulator.end();
  const EnergyFigure figure = accumulator.figure();
  EXPECT_EQ(figure.kind, EnergyKind::kNotAvailable);
  EXPECT_NE(figure.reason.find("began again"), std::string::npos) << figure.reason;
}

TEST(Powercap, WithoutARangeAFallIsAnError) {
  for (const char* range : {"", "lots\n", "10\n"}) {
    auto system = std::make_shared<FakeSystem>();
    add_running(*system, "intel-rapl:0", "package-0", 20.0, 1'000'000);
    system->set(kRoot + "/class/powercap/intel-rapl:0/max_energy_range_uj", range);
    const auto meter = open_meter(kOptions, system);
    ASSERT_EQ(meter->kind(), EnergyKind::kMeasured) << meter->reason();
    system->set(zone_energy(kRoot, "intel-rapl:0"), uint64_t{5});
    const auto reading = meter->read();
    ASSERT_FALSE(reading.has_value());
    EXPECT_EQ(reading.error().code, ErrorCode::kNotAvailable);
  }
}

TEST(Powercap, ADeniedCounterComesWithARemedyForAGroup) {
  const auto system = one_socket();
  system->deny(zone_energy(kRoot, "intel-rapl:0"));
  const auto sources = list_sources(kOptions, *system);
  ASSERT_EQ(sources[0].name, "powercap");
  EXPECT_EQ(sources[0].state, State::kDenied);
  EXPECT_NE(sources[0].reason.find("intel-rapl:0/energy_uj: permission denied"), std::string::npos);
  EXPECT_NE(sources[0].remedy.find("groupadd"), std::string::npos);
  const auto meter = open_meter(kOptions, system);
  EXPECT_EQ(meter->kind(), EnergyKind::kNotAvailable);
  EXPECT_EQ(meter->source(), "none");
  EXPECT_EQ(meter->remedy(), sources[0].remedy);
  EXPECT_NE(meter->reason().find("permission denied"), std::string::npos);
  const auto reading = meter->read();
  ASSERT_FALSE(reading.has_value());
  EXPECT_EQ(reading.error().code, ErrorCode::kNotAvailable);
  EXPECT_EQ(reading.error().hint, meter->remedy());
}

TEST(Powercap, OneDeniedSocketMakesTheSumUnusable) {
  auto system = one_socket();
  add_running(*system, "intel-rapl:1", "package-1", 30.0);
  system->deny(zone_energy(kRoot, "intel-rapl:1"));
  EXPECT_EQ(open_meter(kOptions, system)->kind(), EnergyKind::kNotAvailable);
}

TEST(Powercap, ADeniedPartIsLeftOut) {
  auto system = one_socket();
  system->deny(zone_energy(kRoot, "intel-rapl:0:0"));
  const auto meter = open_meter(kOptions, system);
  EXPECT_EQ(names(*meter, false), std::vector<std::string>{"package-0/uncore"});
  EXPECT_NEAR(measure(*meter, *system, 10.0).joules, 230.0, 1e-3);
}

TEST(Powercap, GarbageIsNoEnergy) {
  for (const char* text : {"", "abc", "-5", "1e9", "12 34", "99999999999999999999999"}) {
    auto system = std::make_shared<FakeSystem>();
    add_zone(*system, kRoot, "intel-rapl:0", "package-0", 0);
    system->set(zone_energy(kRoot, "intel-rapl:0"), std::string(text));
    const auto sources = list_sources(kOptions, *system);
    EXPECT_EQ(sources[0].state, State::kNotCounting) << text;
    EXPECT_NE(sources[0].reason.find("is not a number"), std::string::npos) << sources[0].reason;
  }
}

TEST(Powercap, GarbageLaterIsAnErrorOfTheReading) {
  const auto system = one_socket();
  const auto meter = open_meter(kOptions, system);
  ASSERT_TRUE(meter->read().has_value());
  system->stop(zone_energy(kRoot, "intel-rapl:0"));
  system->set(zone_energy(kRoot, "intel-rapl:0"), std::string("what?"));
  const auto reading = meter->read();
  ASSERT_FALSE(reading.has_value());
  EXPECT_EQ(reading.error().code, ErrorCode::kNotAvailable);
}

TEST(Powercap, AZoneThatVanishesLeavesAHoleForGood) {
  const auto system = one_socket();
  const auto meter = open_meter(kOptions, system);
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->advance(2.0);
  system->remove_tree(kRoot + "/class/powercap/intel-rapl:0");
  accumulator.end();
  EXPECT_EQ(accumulator.figure().kind, EnergyKind::kNotAvailable);
  EXPECT_NE(accumulator.figure().reason.find("not found"), std::string::npos);
  // It comes back, but what was used meanwhile is not known.
  add_running(*system, "intel-rapl:0", "package-0", 20.0);
  EXPECT_FALSE(meter->read().has_value());
}

TEST(Powercap, AVanishedZoneIsSeenBetweenTheReadingsOfTheOwner) {
  const auto system = one_socket();
  const auto meter = open_meter(kOptions, system);
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->remove_tree(kRoot + "/class/powercap/intel-rapl:0");
  system->advance(40.0);
  add_running(*system, "intel-rapl:0", "package-0", 20.0);
  accumulator.end();
  EXPECT_EQ(accumulator.figure().kind, EnergyKind::kNotAvailable);
}

TEST(Powercap, AReadingErrorOfTheDeviceIsReported) {
  const auto system = one_socket();
  const auto meter = open_meter(kOptions, system);
  system->break_file(zone_energy(kRoot, "intel-rapl:0:2"));
  const auto reading = meter->read();
  ASSERT_FALSE(reading.has_value());
  EXPECT_NE(reading.error().message.find("Input/output error"), std::string::npos);
}

TEST(Powercap, APackageThatStandsStillIsNoSource) {
  auto system = one_socket();
  add_zone(*system, kRoot, "intel-rapl:1", "package-1", 1000);
  const auto sources = list_sources(kOptions, *system);
  EXPECT_EQ(sources[0].state, State::kNotCounting);
  EXPECT_EQ(sources[0].reason, "the counter stands still: package-1");
}

TEST(Powercap, MemoryThatStandsStillIsReportedAndNotAdded) {
  auto system = one_socket();
  system->stop(zone_energy(kRoot, "intel-rapl:0:2"));
  const auto sources = list_sources(kOptions, *system);
  EXPECT_EQ(sources[0].state, State::kUsable);
  EXPECT_NE(sources[0].detail.find("dram-0 stands still"), std::string::npos);
  const auto meter = open_meter(kOptions, system);
  EXPECT_EQ(names(*meter, true), std::vector<std::string>{"package-0"});
  EXPECT_NEAR(measure(*meter, *system, 10.0).joules, 200.0, 1e-3);
}

TEST(Powercap, ACounterThatStopsIsNotAvailableForThatStretch) {
  const auto system = one_socket();
  const auto meter = open_meter(kOptions, system);
  system->stop(zone_energy(kRoot, "intel-rapl:0"));
  system->stop(zone_energy(kRoot, "intel-rapl:0:2"));
  const EnergyFigure figure = measure(*meter, *system, 10.0);
  EXPECT_EQ(figure.kind, EnergyKind::kNotAvailable);
  EXPECT_EQ(figure.reason, "the counter stood still");
}

TEST(Powercap, HiddenZonesAreToldFromMissingOnes) {
  FakeSystem empty;
  EXPECT_NE(list_sources(kOptions, empty)[0].reason.find("has no intel-rapl zone"),
            std::string::npos);
  FakeSystem masked;
  masked.set(kRoot + "/class/powercap/intel-rapl:0/uevent", std::string());
  EXPECT_EQ(list_sources(kOptions, masked)[0].state, State::kMissing);
  EXPECT_NE(list_sources(kOptions, masked)[0].reason.find("hidden"), std::string::npos);
}

TEST(Powercap, PartsAloneAreNoProcessor) {
  auto system = std::make_shared<FakeSystem>();
  add_running(*system, "intel-rapl:0", "something", 20.0);
  const auto sources = list_sources(kOptions, *system);
  EXPECT_EQ(sources[0].state, State::kMissing);
  EXPECT_NE(sources[0].reason.find("no zone of a whole processor"), std::string::npos);
}

TEST(Powercap, HugeValuesDoNotOverflow) {
  auto system = std::make_shared<FakeSystem>();
  add_running(*system, "intel-rapl:0", "package-0", 20.0, 1000, UINT64_MAX);
  const auto meter = open_meter(kOptions, system);
  system->stop(zone_energy(kRoot, "intel-rapl:0"));
  system->set(zone_energy(kRoot, "intel-rapl:0"), UINT64_MAX);
  const auto reading = meter->read();
  ASSERT_TRUE(reading.has_value());
  EXPECT_GT(reading->joules[0], 1e13);
}

}  // namespace
}  // namespace tern::energy
