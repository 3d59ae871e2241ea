#include "energy/hwmon_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace tern::energy {
namespace {

/// Drivers of devices that are not the processor, whatever their labels say: an integrated GPU
/// calls the power of its package "PPT", others label theirs "package" or "card".
constexpr std::array<std::string_view, 9> kOtherDrivers = {
    "amdgpu", "radeon", "nouveau", "nvidia", "i915", "xe", "nvme", "drivetemp", "habanalabs"};

/// A label with one of these words is of a part or of another device.
constexpr std::array<std::string_view, 25> kOtherWords = {
    "gpu",  "igpu", "dgpu", "gfx",  "vga",  "npu",    "core", "cores", "uncore",
    "dram", "ddr",  "mem",  "dimm", "nvme", "memory", "ssd",  "disk",  "hdd",
    "pcie", "usb",  "fan",  "rail", "io",   "nic",    "limit"};

/// "package", "package0" and "package 0" alike.
constexpr std::array<std::string_view, 5> kPackageWords = {"package", "pkg", "socket", "esocket",
                                                           "cpu"};
constexpr std::array<std::string_view, 3> kSystemWords = {"system", "sys", "total"};

template <size_t N>
bool holds(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

/// Runs of letters in lower case: "VDD_CPU0" is vdd, cpu.
std::vector<std::string> words_of(std::string_view label) {
  std::vector<std::string> words;
  bool in_word = false;
  for (char c : label) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (is_letter(c)) {
      if (!in_word) words.emplace_back();
      words.back() += c;
    }
    in_word = is_letter(c);
  }
  return words;
}

}  // namespace

HwmonPart hwmon_part(std::string_view driver, std::string_view label) {
  if (holds(kOtherDrivers, driver)) return HwmonPart::kOther;
  // The ACPI power meter has no labels; chapter 10.4 of the ACPI specification: what the platform
  // draws.
  if (driver == "power_meter") return HwmonPart::kSystem;
  bool is_package = false;
  bool is_system = false;
  for (const std::string& word : words_of(label)) {
    if (holds(kOtherWords, word)) return HwmonPart::kOther;
    is_package |= holds(kPackageWords, word);
    is_system |= holds(kSystemWords, word);
  }
  if (is_package) return HwmonPart::kPackage;
  return is_system ? HwmonPart::kSystem : HwmonPart::kOther;
}

}  // namespace tern::energy
