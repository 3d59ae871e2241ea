// Trees of /sys as energy sources find them. `tree` is anything with set(path, text): a FakeSystem
// in memory (tests/energy/fake_system.h) or a FakeTree on disk.
#pragma once

#include <cstdint>
#include <string>

namespace tern::test {

/// Range of a package counter on common processors: 2^32 times 61 uJ.
inline constexpr uint64_t kPackageRangeUj = 262143328850;

/// One zone of powercap, "intel-rapl:0" or "intel-rapl:0:1", below the root of /sys.
template <typename Tree>
void add_zone(Tree& tree, const std::string& sysfs, const std::string& zone,
              const std::string& name, uint64_t energy_uj, uint64_t range_uj = kPackageRangeUj) {
  const std::string folder = sysfs + "/class/powercap/" + zone;
  tree.set(folder + "/name", name + "\n");
  tree.set(folder + "/energy_uj", std::to_string(energy_uj) + "\n");
  tree.set(folder + "/max_energy_range_uj", std::to_string(range_uj) + "\n");
}
inline std::string zone_energy(const std::string& sysfs, const std::string& zone) {
  return sysfs + "/class/powercap/" + zone + "/energy_uj";
}

/// A battery that tells its energy.
template <typename Tree>
void add_battery(Tree& tree, const std::string& sysfs, const std::string& name,
                 const std::string& status, uint64_t energy_uwh) {
  const std::string folder = sysfs + "/class/power_supply/" + name;
  tree.set(folder + "/type", "Battery\n");
  tree.set(folder + "/status", status + "\n");
  tree.set(folder + "/present", "1\n");
  tree.set(folder + "/energy_now", std::to_string(energy_uwh) + "\n");
}

template <typename Tree>
void add_charger(Tree& tree, const std::string& sysfs, const std::string& name, bool online) {
  const std::string folder = sysfs + "/class/power_supply/" + name;
  tree.set(folder + "/type", "Mains\n");
  tree.set(folder + "/online", online ? "1\n" : "0\n");
}

}  // namespace tern::test
