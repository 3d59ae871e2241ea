// Clocks, power and temperature of machines that are only files.
#include "threading/machine_state.h"

#include <gtest/gtest.h>

#include "support/fake_tree.h"

namespace tern {
namespace {

class MachineStateTest : public testing::Test {
 protected:
  MachineState read() { return read_machine_state(sys_.root(), {0, 1, 2}); }

  void set_frequency_file(int cpu, const std::string& file, const std::string& value) {
    sys_.write("devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/" + file, value);
  }
  void add_supply(const std::string& name,
                  std::initializer_list<std::pair<std::string, std::string>> files) {
    for (const auto& [file, value] : files) {
      sys_.write("class/power_supply/" + name + "/" + file, value);
    }
  }
  void remove_supplies() { sys_.remove("class/power_supply"); }
  /// value in millidegrees
  void add_sensor(int hwmon, const std::string& driver, int index, const std::string& label,
                  const std::string& value) {
    const std::string folder = "class/hwmon/hwmon" + std::to_string(hwmon) + "/";
    const std::string sensor = folder + "temp" + std::to_string(index);
    sys_.write(folder + "name", driver);
    if (!label.empty()) sys_.write(sensor + "_label", label);
    sys_.write(sensor + "_input", value);
  }

  test::FakeTree sys_;
};

TEST_F(MachineStateTest, NothingIsClaimedWithoutTheFiles) {
  const MachineState state = read();
  EXPECT_EQ(state.governor, "");
  EXPECT_EQ(state.energy_preference, "");
  EXPECT_EQ(state.power_source, "");
  EXPECT_EQ(state.temperature_celsius, std::nullopt);
  ASSERT_TRUE(state.load_average);
  EXPECT_GE(*state.load_average, 0.0);
}

TEST_F(MachineStateTest, TheGovernorIsThatOfTheUsableCpus) {
  for (int cpu = 0; cpu < 3; ++cpu) set_frequency_file(cpu, "scaling_governor", "powersave");
  set_frequency_file(3, "scaling_governor", "performance");
  set_frequency_file(0, "energy_performance_preference", "balance_performance");
  EXPECT_EQ(read().governor, "powersave");
  EXPECT_EQ(read().energy_preference, "balance_performance");
  set_frequency_file(1, "scaling_governor", "performance");
  EXPECT_EQ(read().governor, "mixed: performance 1, powersave 2");
}

TEST_F(MachineStateTest, ADesktopWithoutSuppliesIsUnknown) {
  add_supply("hidpp_battery_0",
             {{"type", "Battery"}, {"scope", "Device"}, {"status", "Discharging"}});
  EXPECT_EQ(read().power_source, "");
}

TEST_F(MachineStateTest, AnyChargerThatIsOnlineIsMains) {
  const auto with_charger = [this](const char* type, const char* online) {
    remove_supplies();
    add_supply("BAT0", {{"type", "Battery"}, {"status", "Discharging"}, {"present", "1"}});
    add_supply("charger", {{"type", type}, {"online", online}});
    return read().power_source;
  };
  EXPECT_EQ(with_charger("Mains", "1"), "mains");
  EXPECT_EQ(with_charger("USB", "1"), "mains");
  EXPECT_EQ(with_charger("USB_C", "1"), "mains");
  EXPECT_EQ(with_charger("USB", "2"), "mains");
  EXPECT_EQ(with_charger("Mains", "0"), "battery");
  EXPECT_EQ(with_charger("USB", "0"), "battery");
  EXPECT_EQ(with_charger("USB", "garbage"), "battery");
  EXPECT_EQ(with_charger("Unheard of", "1"), "battery");
}

TEST_F(MachineStateTest, BatteriesTellWhereThePowerComesFrom) {
  const auto with_status = [this](const char* status) {
    remove_supplies();
    add_supply("BAT0", {{"type", "Battery"}, {"status", status}});
    return read().power_source;
  };
  EXPECT_EQ(with_status("Discharging"), "battery");
  for (const char* status : {"Charging", "Full", "Not charging"}) {
    EXPECT_EQ(with_status(status), "mains") << status;
  }
  EXPECT_EQ(with_status("Unknown"), "");
  add_supply("AC", {{"type", "Mains"}, {"online", "0"}});
  EXPECT_EQ(read().power_source, "battery");
  add_supply("BAT0", {{"present", "0"}, {"status", "Discharging"}});
  EXPECT_EQ(read().power_source, "");
}

TEST_F(MachineStateTest, TheHottestPackageIsTheTemperature) {
  add_sensor(2, "coretemp", 1, "Package id 0", "45000");
  add_sensor(2, "coretemp", 2, "Core 0", "61000");
  add_sensor(3, "coretemp", 1, "Package id 1", "52500");
  add_sensor(4, "nvme", 1, "Composite", "70000");
  add_sensor(5, "acpitz", 1, "", "80000");
  EXPECT_EQ(read().temperature_celsius, 52.5);
}

TEST_F(MachineStateTest, OldCpusHaveSensorsInTheirCoresAlone) {
  add_sensor(0, "coretemp", 2, "Core 0", "41000");
  add_sensor(0, "coretemp", 3, "Core 1", "43000");
  EXPECT_EQ(read().temperature_celsius, 43.0);
}

TEST_F(MachineStateTest, TheDieComesBeforeTheControlValue) {
  add_sensor(0, "k10temp", 1, "Tctl", "70000");
  add_sensor(0, "k10temp", 3, "Tccd1", "90000");
  EXPECT_EQ(read().temperature_celsius, 70.0);
  add_sensor(0, "k10temp", 2, "Tdie", "60000");
  EXPECT_EQ(read().temperature_celsius, 60.0);
}

TEST_F(MachineStateTest, OtherCpuDriversAreKnown) {
  add_sensor(0, "cpu_thermal", 1, "", "48312");
  EXPECT_EQ(read().temperature_celsius, 48.312);
  add_sensor(1, "zenpower", 1, "Tdie", "50000");
  EXPECT_EQ(read().temperature_celsius, 50.0);
}

TEST_F(MachineStateTest, UnrelatedOrBrokenSensorsAreNoTemperature) {
  add_sensor(0, "nvme", 1, "Composite", "40000");
  add_sensor(1, "acpitz", 1, "", "27800");
  add_sensor(2, "k10temp", 3, "Tccd1", "50000");
  for (const char* value : {"", "0", "-1000", "150000", "hot"}) {
    add_sensor(3, "coretemp", 1, "Package id 0", value);
    EXPECT_EQ(read().temperature_celsius, std::nullopt) << value;
  }
  sys_.write("class/thermal/thermal_zone0/type", "acpitz");
  sys_.write("class/thermal/thermal_zone0/temp", "30000");
  EXPECT_EQ(read().temperature_celsius, std::nullopt);
}

TEST_F(MachineStateTest, ThePackagesThermalZoneStandsInForASensor) {
  sys_.write("class/thermal/thermal_zone0/type", "acpitz");
  sys_.write("class/thermal/thermal_zone0/temp", "30000");
  sys_.write("class/thermal/thermal_zone7/type", "x86_pkg_temp");
  sys_.write("class/thermal/thermal_zone7/temp", "55000");
  EXPECT_EQ(read().temperature_celsius, 55.0);
  add_sensor(0, "coretemp", 1, "Package id 0", "54000");
  EXPECT_EQ(read().temperature_celsius, 54.0);
}

TEST_F(MachineStateTest, FoldersOfClassesMayBeLinks) {
  sys_.write("devices/platform/coretemp.0/name", "coretemp");
  sys_.write("devices/platform/coretemp.0/temp1_label", "Package id 0");
  sys_.write("devices/platform/coretemp.0/temp1_input", "47000");
  sys_.link("class/hwmon/hwmon1", "devices/platform/coretemp.0");
  EXPECT_EQ(read().temperature_celsius, 47.0);
}

}  // namespace
}  // namespace tern
