// Which source a meter takes, and the meters that need none.
#include "energy/meter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <string>

#include "energy/fake_system.h"
#include "support/energy_tree.h"

namespace tern::energy {
namespace {

using State = EnergySource::State;

EnergyOptions fake_options(double watts = 0.0) {
  return {.sysfs_root = "/fake/sys", .procfs_root = "/fake/proc", .power_watts = watts};
}

TEST(EnergyMeters, AGivenPowerWinsOverEveryCounter) {
  auto system = std::make_shared<FakeSystem>();
  test::add_zone(*system, "/fake/sys", "intel-rapl:0", "package-0", 1);
  system->run(test::zone_energy("/fake/sys", "intel-rapl:0"), 20e6);
  const auto meter = open_meter(fake_options(12.5), system);
  EXPECT_EQ(meter->kind(), EnergyKind::kGiven);
  EXPECT_EQ(meter->source(), "given power");
  EXPECT_EQ(meter->min_window_seconds(), 0.0);
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->advance(0.01);
  accumulator.end();
  const EnergyFigure figure = accumulator.figure();
  EXPECT_EQ(figure.kind, EnergyKind::kGiven);
  EXPECT_NEAR(figure.joules, 0.125, 1e-9);
  EXPECT_NEAR(figure.watts(), 12.5, 1e-9);
  EXPECT_EQ(list_sources(fake_options(12.5), *system)[0].detail, "12.5 W, as typed");
}

TEST(EnergyMeters, APowerThatIsNoneIsRefused) {
  for (const double watts :
       {-1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    auto system = std::make_shared<FakeSystem>();
    const auto meter = open_meter(fake_options(watts), system);
    EXPECT_EQ(meter->kind(), EnergyKind::kNotAvailable) << watts;
    EXPECT_NE(meter->reason().find("is not above zero"), std::string::npos) << meter->reason();
  }
}

TEST(EnergyMeters, WithoutASourceTheReasonNamesAllThatWasLookedFor) {
  const auto system = std::make_shared<FakeSystem>();
  const auto meter = open_meter(fake_options(), system);
  EXPECT_EQ(meter->kind(), EnergyKind::kNotAvailable);
  EXPECT_EQ(meter->source(), "none");
  EXPECT_EQ(meter->remedy(), "");
  EXPECT_TRUE(meter->domains().empty());
  for (const char* part :
       {"powercap: /fake/sys/class/powercap", "perf: ", "hwmon: ", "battery: "}) {
    EXPECT_NE(meter->reason().find(part), std::string::npos) << part << "\n" << meter->reason();
  }
  EXPECT_EQ(system->n_tasks(), 0u);
}

TEST(EnergyMeters, OfSeveralDeniedSourcesTheBestGivesTheRemedy) {
  auto system = std::make_shared<FakeSystem>();
  const std::string sensor = "/fake/sys/class/hwmon/hwmon0/energy1_input";
  system->set("/fake/sys/class/hwmon/hwmon0/name", std::string("amd_energy\n"));
  system->set("/fake/sys/class/hwmon/hwmon0/energy1_label", std::string("Esocket0\n"));
  system->set(sensor, uint64_t{1});
  system->deny(sensor);
  EXPECT_NE(open_meter(fake_options(), system)->remedy().find("hwmon"), std::string::npos);
  test::add_zone(*system, "/fake/sys", "intel-rapl:0", "package-0", 1);
  system->deny(test::zone_energy("/fake/sys", "intel-rapl:0"));
  EXPECT_NE(open_meter(fake_options(), system)->remedy().find("powercap"), std::string::npos);
}

TEST(EnergyMeters, SourcesAreListedInTheOrderOfTheirUse) {
  FakeSystem system;
  const auto sources = list_sources(fake_options(), system);
  ASSERT_EQ(sources.size(), 4u);
  EXPECT_EQ(sources[0].name, "powercap");
  EXPECT_EQ(sources[1].name, "perf");
  EXPECT_EQ(sources[2].name, "hwmon");
  EXPECT_EQ(sources[3].name, "battery");
  for (const EnergySource& source : sources) {
    EXPECT_EQ(source.state, State::kMissing) << source.name;
    EXPECT_NE(source.reason, "") << source.name;
  }
}

TEST(EnergyMeters, ListingLeavesNothingRunning) {
  FakeSystem system;
  test::add_zone(system, "/fake/sys", "intel-rapl:0", "package-0", 1);
  system.run(test::zone_energy("/fake/sys", "intel-rapl:0"), 20e6);
  EXPECT_EQ(list_sources(fake_options(), system)[0].state, State::kUsable);
  EXPECT_EQ(system.n_tasks(), 0u);
}

TEST(EnergyMeters, AMeterStopsItsBackgroundWork) {
  auto system = std::make_shared<FakeSystem>();
  test::add_zone(*system, "/fake/sys", "intel-rapl:0", "package-0", 1);
  system->run(test::zone_energy("/fake/sys", "intel-rapl:0"), 20e6);
  auto meter = open_meter(fake_options(), system);
  EXPECT_EQ(system->n_tasks(), 1u);
  meter.reset();
  EXPECT_EQ(system->n_tasks(), 0u);
}

/// Its background work runs in a real thread.
class ThreadedSystem : public FakeSystem {
 public:
  std::unique_ptr<Repeater> repeat_every(double /*seconds*/, std::function<void()> fn) override {
    return real_system()->repeat_every(1e-5, [this, fn = std::move(fn)] {
      fn();
      ++n_calls;
    });
  }
  std::atomic<int> n_calls{0};
};

TEST(EnergyMeters, ReadingsAndBackgroundWorkTakeTurns) {
  auto system = std::make_shared<ThreadedSystem>();
  test::add_zone(*system, "/fake/sys", "intel-rapl:0", "package-0", 1);
  system->run(test::zone_energy("/fake/sys", "intel-rapl:0"), 20e6);
  const auto meter = open_meter(fake_options(), system);
  ASSERT_EQ(meter->kind(), EnergyKind::kMeasured) << meter->reason();
  // The counter stands from here on: whoever reads it, and however often, nothing is added.
  while (system->n_calls.load() < 100) {
    const auto reading = meter->read();
    ASSERT_TRUE(reading.has_value());
    ASSERT_EQ(reading->joules[0], 0.0);
  }
}

TEST(EnergyMeters, ReadingsBeginAtZero) {
  auto system = std::make_shared<FakeSystem>();
  test::add_zone(*system, "/fake/sys", "intel-rapl:0", "package-0", 777'000'000);
  system->run(test::zone_energy("/fake/sys", "intel-rapl:0"), 20e6);
  system->advance(100.0);
  const auto meter = open_meter(fake_options(), system);
  const auto first = meter->read();
  ASSERT_TRUE(first.has_value());
  EXPECT_DOUBLE_EQ(first->seconds, 0.0);
  EXPECT_DOUBLE_EQ(first->joules[0], 0.0);
  system->advance(3.0);
  const auto second = meter->read();
  ASSERT_TRUE(second.has_value());
  EXPECT_NEAR(second->seconds, 3.0, 1e-9);
  EXPECT_NEAR(second->joules[0], 60.0, 1e-3);
}

TEST(EnergyMeters, ACounterThatMovesIsNotWaitedFor) {
  FakeSystem system;
  test::add_zone(system, "/fake/sys", "intel-rapl:0", "package-0", 1);
  system.run(test::zone_energy("/fake/sys", "intel-rapl:0"), 20e6);
  list_sources(fake_options(), system);
  EXPECT_LE(system.n_sleeps(), 2);
}

TEST(EnergyMeters, OtherSystemsSayThatTheyHaveNoSource) {
  auto system = std::make_shared<FakeSystem>();
  system->unsupported = "not available on this system: energy is read from Linux's /sys";
  test::add_zone(*system, "/fake/sys", "intel-rapl:0", "package-0", 1);
  system->run(test::zone_energy("/fake/sys", "intel-rapl:0"), 20e6);
  const auto meter = open_meter(fake_options(), system);
  EXPECT_EQ(meter->kind(), EnergyKind::kNotAvailable);
  EXPECT_EQ(meter->reason(), system->unsupported);
  for (const EnergySource& source : list_sources(fake_options(), *system)) {
    EXPECT_EQ(source.state, State::kMissing);
    EXPECT_EQ(source.reason, system->unsupported);
  }
  // A given power needs no counter.
  EXPECT_EQ(open_meter(fake_options(5.0), system)->kind(), EnergyKind::kGiven);
}

TEST(EnergyMeters, TheMachineOfTheTestHasAnAnswerToo) {
  const auto meter = EnergyMeter::open();
  ASSERT_NE(meter, nullptr);
  EXPECT_EQ(meter->reason().empty(), meter->kind() != EnergyKind::kNotAvailable);
  const auto sources = list_energy_sources();
  ASSERT_EQ(sources.size(), 4u);
  for (const EnergySource& source : sources) {
    EXPECT_EQ(source.reason.empty(), source.state == State::kUsable) << source.name;
  }
}

TEST(EnergyMeters, KindsHaveNames) {
  EXPECT_STREQ(energy_kind_name(EnergyKind::kMeasured), "measured");
  EXPECT_STREQ(energy_kind_name(EnergyKind::kGiven), "given");
  EXPECT_STREQ(energy_kind_name(EnergyKind::kNotAvailable), "not available");
}

}  // namespace
}  // namespace tern::energy
