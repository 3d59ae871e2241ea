#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "doctor.h"
#include "support/energy_tree.h"
#include "support/fake_tree.h"
#include "support/ordinary_user.h"

namespace tern::tools {
namespace {

/// Sets TERN_SYSFS_ROOT for the life of the object.
class ScopedSysfsRoot {
 public:
  explicit ScopedSysfsRoot(const std::string& root) {
    ::setenv("TERN_SYSFS_ROOT", root.c_str(), /*overwrite=*/1);
  }
  ~ScopedSysfsRoot() { ::unsetenv("TERN_SYSFS_ROOT"); }
  ScopedSysfsRoot(const ScopedSysfsRoot&) = delete;
  ScopedSysfsRoot& operator=(const ScopedSysfsRoot&) = delete;
};

Result<DoctorReport> gather() {
  Output out(STDOUT_FILENO);
  Log log;
  const std::atomic<bool> interrupt = false;
  Context context{out, log, interrupt};
  return gather_report(ModelFlags{}, MeasureLimits::kNever, context);
}

TEST(DoctorGather, DeniedCountersComeWithTheirRemedyInSourcesAndAdvice) {
  const test::OrdinaryUser user;  // the tree belongs to this user, the counter to nobody
  if (!user.ok()) GTEST_SKIP() << "cannot do without the rights of root here";
  test::FakeTree sys;
  test::add_zone(sys, sys.root(), "intel-rapl:0", "package-0", 1000);
  ASSERT_EQ(::chmod(test::zone_energy(sys.root(), "intel-rapl:0").c_str(), 0), 0);
  const ScopedSysfsRoot root(sys.root());
  const auto report = gather();
  ASSERT_TRUE(report) << report.error().message;
  const EnergySource* powercap = nullptr;
  for (const EnergySource& source : report->energy) {
    if (source.name == "powercap") powercap = &source;
  }
  ASSERT_NE(powercap, nullptr);
  EXPECT_EQ(powercap->state, EnergySource::State::kDenied) << powercap->reason;
  EXPECT_NE(powercap->remedy.find("udev"), std::string::npos);
  const auto has_advice = [&](const DoctorReport& r) {
    for (const Advice& advice : r.advice) {
      if (advice.topic == "energy") return advice.action == powercap->remedy;
    }
    return false;
  };
  // Counters of the machine itself may still be had through perf.
  bool usable = false;
  for (const EnergySource& source : report->energy) {
    usable = usable || source.state == EnergySource::State::kUsable;
  }
  EXPECT_EQ(has_advice(*report), !usable);
  // The command stands on one line, so that it can be copied.
  EXPECT_NE(doctor_text(*report).find(powercap->remedy), std::string::npos);
}

TEST(DoctorGather, AnEmptyTreeLeavesTheRest) {
  const test::FakeTree sys;
  const ScopedSysfsRoot root(sys.root());
  const auto report = gather();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GE(report->topology.n_physical, 1);
  EXPECT_TRUE(report->topology.caches.empty());
  EXPECT_EQ(report->state.governor, "");
  EXPECT_EQ(report->huge_page_switch, "");
  EXPECT_FALSE(report->kernels.empty());
  EXPECT_FALSE(report->limits);
  EXPECT_NE(report->limits_problem.find("--measure"), std::string::npos);
}

TEST(DoctorGather, WrongFlagsAreErrors) {
  Output out(STDOUT_FILENO);
  Log log;
  const std::atomic<bool> interrupt = false;
  Context context{out, log, interrupt};
  ModelFlags flags;
  flags.isa = "no-such-kernels";
  const auto report = gather_report(flags, MeasureLimits::kNever, context);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kUsage);
}

}  // namespace
}  // namespace tern::tools
