#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "energy/fake_system.h"
#include "energy/meter.h"

namespace tern::energy {
namespace {

using State = EnergySource::State;

const EnergyOptions kOptions = {.sysfs_root = "/fake/sys", .procfs_root = "/fake/proc"};
const std::string kUnit = "/fake/sys/bus/event_source/devices/power";
constexpr uint32_t kType = 32;
constexpr double kUnitsPerJoule = 4294967296.0;

void add_event(FakeSystem& system, const std::string& name, uint64_t config,
               const std::vector<std::pair<int, double>>& cpu_watts) {
  const std::string file = kUnit + "/events/" + name;
  system.set(file, "event=0x0" + std::to_string(config) + "\n");
  system.set(file + ".scale", std::string("2.3283064365386962890625e-10\n"));
  system.set(file + ".unit", std::string("Joules\n"));
  for (const auto& [cpu, watts] : cpu_watts) {
    system.perf(kType, config, cpu).per_second = watts * kUnitsPerJoule;
    system.perf(kType, config, cpu).value = 12345;
  }
}

/// Two sockets, whose counters are reached through CPUs 0 and 18.
std::shared_ptr<FakeSystem> two_sockets() {
  auto system = std::make_shared<FakeSystem>();
  system->set(kUnit + "/type", std::to_string(kType) + "\n");
  system->set(kUnit + "/cpumask", std::string("0,18\n"));
  for (const auto& [cpu, socket] : {std::pair(0, 0), std::pair(18, 1)}) {
    system->set(
        "/fake/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/physical_package_id",
        std::to_string(socket) + "\n");
  }
  add_event(*system, "energy-pkg", 2, {{0, 20.0}, {18, 30.0}});
  add_event(*system, "energy-ram", 3, {{0, 3.0}, {18, 4.0}});
  add_event(*system, "energy-cores", 1, {{0, 11.0}, {18, 12.0}});
  system->set("/fake/proc/sys/kernel/perf_event_paranoid", std::string("2\n"));
  return system;
}

EnergySource perf_source(FakeSystem& system) { return list_sources(kOptions, system)[1]; }

TEST(PerfPower, SocketsAndTheirMemoryAddUp) {
  const auto system = two_sockets();
  const auto meter = open_meter(kOptions, system);
  ASSERT_EQ(meter->kind(), EnergyKind::kMeasured) << meter->reason();
  EXPECT_EQ(meter->source(), "perf");
  EXPECT_EQ(meter->min_window_seconds(), 1.0);
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->advance(10.0);
  accumulator.end();
  const EnergyFigure figure = accumulator.figure();
  ASSERT_EQ(figure.kind, EnergyKind::kMeasured) << figure.reason;
  EXPECT_NEAR(figure.joules, 570.0, 1e-6);
  std::vector<std::string> names;
  for (const EnergyDomainFigure& domain : figure.domains) {
    names.push_back(domain.name + (domain.counted ? "" : " not counted"));
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"package-0", "dram-0", "package-0/cores not counted",
                                      "package-1", "dram-1", "package-1/cores not counted"}));
}

TEST(PerfPower, DiesOfASocketHaveNamesOfTheirOwn) {
  const auto system = two_sockets();
  const std::string cpus = "/fake/sys/devices/system/cpu/cpu";
  system->set(cpus + "18/topology/physical_package_id", std::string("0\n"));
  system->set(cpus + "0/topology/die_id", std::string("0\n"));
  system->set(cpus + "18/topology/die_id", std::string("1\n"));
  EXPECT_EQ(open_meter(kOptions, system)->domains()[0].name, "package-0-die-0");
  EXPECT_EQ(open_meter(kOptions, system)->domains()[3].name, "package-0-die-1");
  system->remove(cpus + "18/topology/physical_package_id");
  EXPECT_EQ(open_meter(kOptions, system)->domains()[3].name, "package-cpu18");
}

TEST(PerfPower, PowercapComesFirst) {
  const auto system = two_sockets();
  const std::string zone = "/fake/sys/class/powercap/intel-rapl:0";
  system->set(zone + "/name", std::string("package-0\n"));
  system->set(zone + "/energy_uj", std::string("5\n"));
  system->run(zone + "/energy_uj", 1e6);
  EXPECT_EQ(open_meter(kOptions, system)->source(), "powercap");
  system->deny(zone + "/energy_uj");
  EXPECT_EQ(open_meter(kOptions, system)->source(), "perf");
}

TEST(PerfPower, DenialNamesTheCapabilityAndTheProgram) {
  const auto system = two_sockets();
  system->perf(kType, 2, 18).error = EACCES;
  const EnergySource source = perf_source(*system);
  EXPECT_EQ(source.state, State::kDenied);
  EXPECT_NE(source.reason.find("perf_event_paranoid (which is 2)"), std::string::npos)
      << source.reason;
  EXPECT_NE(source.remedy.find("sudo setcap cap_perfmon+ep '/opt/tern/bin/tern'"),
            std::string::npos)
      << source.remedy;
  EXPECT_EQ(open_meter(kOptions, system)->remedy(), source.remedy);
}

TEST(PerfPower, ASandboxIsNotToldToChangeRights) {
  const auto system = two_sockets();
  system->set("/fake/proc/sys/kernel/perf_event_paranoid", std::string("-1\n"));
  system->perf(kType, 2, 0).error = EPERM;
  const EnergySource source = perf_source(*system);
  EXPECT_EQ(source.state, State::kDenied);
  EXPECT_NE(source.reason.find("sandbox"), std::string::npos) << source.reason;
  EXPECT_EQ(source.remedy, "");
}

TEST(PerfPower, OtherErrorsOfOpeningAreTold) {
  const auto system = two_sockets();
  system->perf(kType, 2, 0).error = ENODEV;
  EXPECT_EQ(perf_source(*system).state, State::kNotCounting);
  EXPECT_NE(perf_source(*system).reason.find("No such device"), std::string::npos);
}

TEST(PerfPower, PartsThatCannotBeOpenedAreLeftOut) {
  const auto system = two_sockets();
  system->perf(kType, 1, 0).error = EACCES;
  system->perf(kType, 1, 18).error = EACCES;
  EXPECT_EQ(open_meter(kOptions, system)->domains().size(), 4u);
}

TEST(PerfPower, ACounterThatStandsStillIsNoSource) {
  const auto system = two_sockets();
  system->perf(kType, 2, 18).per_second = 0.0;
  EXPECT_EQ(perf_source(*system).state, State::kNotCounting);
  EXPECT_EQ(perf_source(*system).reason, "the counter stands still: package-1");
}

TEST(PerfPower, AReadingErrorLaterIsReported) {
  const auto system = two_sockets();
  const auto meter = open_meter(kOptions, system);
  ASSERT_TRUE(meter->read().has_value());
  system->perf(kType, 3, 0).failing = true;
  const auto reading = meter->read();
  ASSERT_FALSE(reading.has_value());
  EXPECT_EQ(reading.error().code, ErrorCode::kNotAvailable);
  EXPECT_NE(reading.error().message.find("dram-0"), std::string::npos);
}

TEST(PerfPower, ACounterThatGoesBackIsAnError) {
  const auto system = two_sockets();
  const auto meter = open_meter(kOptions, system);
  system->perf(kType, 2, 0).value = 1;
  EXPECT_FALSE(meter->read().has_value());
}

TEST(PerfPower, GarbageInTheDescriptionIsNoSource) {
  const std::vector<std::pair<std::string, std::string>> changes = {
      {"/type", "x"},
      {"/type", "4294967296"},
      {"/cpumask", ""},
      {"/cpumask", "0,,1"},
      {"/cpumask", "0-99999999999"},
      {"/events/energy-pkg", "event=2,umask=1"},
      {"/events/energy-pkg.scale", "0"},
      {"/events/energy-pkg.scale", "-1"},
      {"/events/energy-pkg.unit", "Watts"}};
  for (const auto& [file, text] : changes) {
    const auto system = two_sockets();
    system->set(kUnit + file, text);
    EXPECT_EQ(perf_source(*system).state, State::kMissing) << file << " " << text;
  }
}

TEST(PerfPower, ThePlatformCountsOnceWithoutPackages) {
  const auto system = two_sockets();
  add_event(*system, "energy-psys", 5, {{0, 90.0}, {18, 90.0}});
  system->remove(kUnit + "/events/energy-pkg");
  system->remove(kUnit + "/events/energy-ram");
  const auto meter = open_meter(kOptions, system);
  ASSERT_EQ(meter->kind(), EnergyKind::kMeasured) << meter->reason();
  EnergyAccumulator accumulator(*meter);
  accumulator.begin();
  system->advance(2.0);
  accumulator.end();
  EXPECT_NEAR(accumulator.figure().joules, 180.0, 1e-6);
}

}  // namespace
}  // namespace tern::energy
