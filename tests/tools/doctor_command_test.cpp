#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "program.h"
#include "support/fake_tree.h"

namespace tern::test {
namespace {

using Json = nlohmann::json;

Outcome doctor(std::vector<std::string> more, std::map<std::string, std::string> variables = {}) {
  Call call;
  call.arguments = {"doctor"};
  call.arguments.insert(call.arguments.end(), more.begin(), more.end());
  call.variables = std::move(variables);
  return run_program(call);
}

Json doctor_json(std::vector<std::string> more, std::map<std::string, std::string> variables = {}) {
  more.insert(more.end(), {"--output", "json"});
  const Outcome outcome = doctor(std::move(more), std::move(variables));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  Json json = Json::parse(outcome.out, nullptr, false);
  EXPECT_TRUE(json.is_object()) << outcome.out;
  return json;
}

TEST(DoctorCommand, ShowsEverySection) {
  const Outcome outcome = doctor({"--no-measure"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  for (const char* part :
       {"\nCPU\n", "\nKernels\n", "\nMemory\n", "\nNow\n", "\nLimits\n", "\nTuned\n", "\nEnergy\n",
        "\nAdvice\n", "  features ", "  caches ", "in use", "ternary_gemv_t2",
        "  self-test     passed", "not measured yet"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << "\n" << outcome.out;
  }
}

TEST(DoctorCommand, JsonAgreesWithTheEnvironmentAndTheFlags) {
  const Outcome outcome = tern({"doctor", "--no-measure", "--output", "json", "--threads", "1"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["threads"]["used"], 1);
  EXPECT_GT(json["memory"]["total_bytes"], 0);
  EXPECT_FALSE(json["isas"].empty());
  if (const char* forced = std::getenv("TERN_FORCE_ISA"); forced != nullptr && *forced != '\0') {
    EXPECT_EQ(json["kernels"]["isa"], forced);
  }
}

TEST(DoctorCommand, EverySupportedKernelSetCanBeChosen) {
  const Json json =
      Json::parse(tern({"doctor", "--no-measure", "--output", "json"}).out, nullptr, false);
  for (const Json& isa : json["isas"]) {
    const std::string name = isa["name"];
    const Outcome outcome = tern({"doctor", "--no-measure", "--isa", name, "--output", "json"});
    if (isa["supported"] == true) {
      ASSERT_EQ(outcome.exit_code, 0) << name << outcome.err;
      EXPECT_EQ(Json::parse(outcome.out)["kernels"]["isa"], name);
    } else {
      EXPECT_EQ(outcome.exit_code, 2) << name;
    }
  }
}

/// A laptop on its battery: hot, held at its lowest clock, without huge pages, its energy counters
/// out of sight.
class LaptopTest : public testing::Test {
 protected:
  LaptopTest() {
    for (int cpu = 0; cpu < 1024; ++cpu) {  // whichever of them the test may use
      sys_.write("devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/scaling_governor",
                 "powersave");
    }
  }
  Json read() { return doctor_json({"--no-measure"}, {{"TERN_SYSFS_ROOT", sys_.root()}}); }

  FakeTree sys_{{"class/power_supply/BAT0/type", "Battery"},
                {"class/power_supply/BAT0/status", "Discharging"},
                {"class/hwmon/hwmon0/name", "coretemp"},
                {"class/hwmon/hwmon0/temp1_label", "Package id 0"},
                {"class/hwmon/hwmon0/temp1_input", "96000"},
                {"kernel/mm/transparent_hugepage/enabled", "always madvise [never]"},
                {"kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152"}};
};

std::string action_of(const Json& json, const std::string& topic) {
  for (const Json& advice : json["advice"]) {
    if (advice["topic"] == topic) return advice["action"];
  }
  return "";
}

TEST_F(LaptopTest, StateAndAdviceFollowTheSystemsFiles) {
  const Json json = read();
  EXPECT_EQ(json["state"]["governor"], "powersave");
  EXPECT_EQ(json["state"]["power_source"], "battery");
  EXPECT_EQ(json["state"]["temperature_celsius"], 96.0);
  EXPECT_EQ(json["huge_pages"]["transparent"], "never");
  EXPECT_NE(action_of(json, "battery"), "");
  EXPECT_NE(action_of(json, "temperature"), "");
  EXPECT_NE(action_of(json, "governor").find("scaling_governor"), std::string::npos);
  EXPECT_EQ(action_of(json, "huge_pages"),
            "echo madvise | sudo tee " + sys_.path("kernel/mm/transparent_hugepage/enabled"));
}

TEST_F(LaptopTest, TheSwitchOfTheSizeIsNamedWhereItDecides) {
  const std::string own = "kernel/mm/transparent_hugepage/hugepages-2048kB/enabled";
  sys_.write("kernel/mm/transparent_hugepage/enabled", "[always] madvise never");
  sys_.write(own, "always inherit madvise [never]");
  EXPECT_EQ(action_of(read(), "huge_pages"), "echo madvise | sudo tee " + sys_.path(own));
}

}  // namespace
}  // namespace tern::test
