#include "energy_flags.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <cstdlib>
#include <string>

#include "support/energy_tree.h"
#include "support/fake_tree.h"
#include "support/ordinary_user.h"

namespace tern::tools {
namespace {

/// An environment variable for the time of a test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

/// False when the arguments are refused.
bool parse(EnergyFlags& flags, std::string arguments) {
  CLI::App app;
  add_energy_flags(app, flags);
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::Error&) {
    return false;
  }
  return true;
}

TEST(EnergyFlags, APowerIsANumberOfWattsAboveZero) {
  EnergyFlags flags;
  ASSERT_TRUE(parse(flags, "--power-watts 7.5"));
  EXPECT_EQ(flags.power_watts, 7.5f);
  EXPECT_EQ(flags.options().power_watts, 7.5);
  for (const char* value : {"0", "-1", "inf", "nan", "1e99", "7W", "0x7", ""}) {
    EnergyFlags refused;
    EXPECT_FALSE(parse(refused, std::string("--power-watts=") + value)) << value;
    EXPECT_EQ(refused.power_watts, 0.0f) << value;
  }
}

TEST(EnergyFlags, EnergyIsMeasuredWhereItIsShown) {
  EXPECT_FALSE(EnergyFlags{}.is_wanted(OutputFormat::kText, /*verbose=*/false));
  EXPECT_TRUE(EnergyFlags{}.is_wanted(OutputFormat::kText, /*verbose=*/true));
  EXPECT_TRUE(EnergyFlags{}.is_wanted(OutputFormat::kJson, /*verbose=*/false));
  EXPECT_TRUE(EnergyFlags{}.is_wanted(OutputFormat::kJsonLines, /*verbose=*/false));
  EXPECT_TRUE(EnergyFlags{.power_watts = 1.0f}.is_wanted(OutputFormat::kText, false));
  EXPECT_TRUE(EnergyFlags{.require = true}.is_wanted(OutputFormat::kText, false));
}

TEST(EnergyFlags, TheRootsComeFromTheEnvironment) {
  EXPECT_EQ(EnergyFlags{}.options().sysfs_root, "/sys");
  EXPECT_EQ(EnergyFlags{}.options().procfs_root, "/proc");
  const Variable sysfs("TERN_SYSFS_ROOT", "/fake/sys");
  const Variable procfs("TERN_PROCFS_ROOT", "/fake/proc");
  EXPECT_EQ(EnergyFlags{}.options().sysfs_root, "/fake/sys");
  EXPECT_EQ(EnergyFlags{}.options().procfs_root, "/fake/proc");
}

TEST(EnergyFlags, OnlyARequiredMeterMustHaveASource) {
  const test::FakeTree tree;
  const Variable sysfs("TERN_SYSFS_ROOT", tree.root());
  EnergyFlags flags;
  const auto optional = open_meter(flags);
  ASSERT_TRUE(optional.has_value());
  EXPECT_EQ((*optional)->kind(), EnergyKind::kNotAvailable);
  flags.require = true;
  const auto required = open_meter(flags);
  ASSERT_FALSE(required.has_value());
  EXPECT_EQ(required.error().code, ErrorCode::kNotAvailable);
  EXPECT_NE(required.error().message.find(tree.root() + "/class/powercap"), std::string::npos);
  EXPECT_EQ(required.error().hint, "give the power of the machine with --power-watts");
  flags.power_watts = 5.0f;
  ASSERT_TRUE(open_meter(flags).has_value());
}

TEST(EnergyFlags, TheRemedyOfADeniedCounterIsTheHint) {
  test::FakeTree tree;
  test::add_zone(tree, tree.root(), "intel-rapl:0", "package-0", 1);
  ASSERT_EQ(::chmod(tree.root().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(test::zone_energy(tree.root(), "intel-rapl:0").c_str(), 0), 0);
  const Variable sysfs("TERN_SYSFS_ROOT", tree.root());
  const test::OrdinaryUser user;
  if (!user.ok()) GTEST_SKIP() << "cannot give up the rights of root here";
  const auto meter = open_meter({.require = true});
  ASSERT_FALSE(meter.has_value());
  EXPECT_EQ(meter.error().code, ErrorCode::kNotAvailable);
  EXPECT_NE(meter.error().message.find("energy_uj: permission denied"), std::string::npos)
      << meter.error().message;
  EXPECT_NE(meter.error().hint.find("groupadd"), std::string::npos) << meter.error().hint;
}

TEST(EnergyFlags, AtTheEndARequiredFigureMustBeThere) {
  EnergyFigure missing;
  missing.reason = "the counter stood still";
  EXPECT_TRUE(check_required({}, missing).has_value());
  const auto checked = check_required({.require = true}, missing);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code, ErrorCode::kNotAvailable);
  EXPECT_NE(checked.error().message.find("the counter stood still"), std::string::npos);
  EnergyFigure given;
  given.kind = EnergyKind::kGiven;
  EXPECT_TRUE(check_required({.require = true}, given).has_value());
}

}  // namespace
}  // namespace tern::tools
