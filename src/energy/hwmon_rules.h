// Which hwmon sensors measure the processors or the whole machine. hwmon holds the sensors of every
// device, graphics cards and disks included, and only driver and label tell them apart; so a sensor
// counts only where one of them says plainly what it measures. Pure functions.
#pragma once

#include <string_view>

namespace tern::energy {

enum class HwmonPart {
  kOther,    // not ours, or not known what it is
  kPackage,  // a processor: amd_energy "Esocket0", "CPU power"
  kSystem,   // the whole machine: macsmc_hwmon "Total System Power", the ACPI power meter
};

/// label: "" where the sensor has none.
HwmonPart hwmon_part(std::string_view driver, std::string_view label);

}  // namespace tern::energy
