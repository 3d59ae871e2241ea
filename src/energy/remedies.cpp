#include "energy/remedies.h"

#include <fmt/format.h>

#include <algorithm>

namespace tern::energy {
namespace {

constexpr const char* kGroup = "energy";

/// For a POSIX shell.
std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

/// A udev rule rather than a line for tmpfiles.d: drivers that are loaded late are caught too. %S
/// and %p are udev's mount point of sysfs and path of the device.
std::string group_remedy(const std::string& match, const std::string& files,
                         const std::string& rules_name, const std::string& subsystem) {
  const std::string rule =
      fmt::format(R"({}, ACTION!="remove", RUN+="/bin/chgrp {} {}", RUN+="/bin/chmod 0440 {}")",
                  match, kGroup, files, files);
  return fmt::format(
      "let a group read the counters: sudo groupadd --system --force {0} && echo {1} | sudo tee "
      "/etc/udev/rules.d/{2} && sudo udevadm control --reload && sudo udevadm trigger --settle "
      "--subsystem-match={3} && sudo usermod --append --groups {0} \"$USER\"; then log in again. "
      "Risk: who is in that group can guess what other users' programs compute, keys included, "
      "from the power it takes (the PLATYPUS side channel, CVE-2020-8694)",
      kGroup, shell_quoted(rule), rules_name, subsystem);
}

}  // namespace

bool is_plain_word(const std::string& text) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  return !text.empty() && text.find_first_not_of(kAllowed) == std::string::npos;
}

std::string powercap_remedy() {
  return group_remedy(R"(SUBSYSTEM=="powercap", KERNEL=="intel-rapl*:*")", "%S%p/energy_uj",
                      "70-tern-energy.rules", "powercap");
}

std::string hwmon_remedy(const std::string& driver, std::span<const std::string> files) {
  std::string paths;
  for (const std::string& file : files) {
    if (!paths.empty()) paths += ' ';
    paths += "%S%p/" + file;
  }
  return group_remedy(fmt::format(R"(SUBSYSTEM=="hwmon", ATTR{{name}}=="{}")", driver), paths,
                      "70-tern-energy-hwmon.rules", "hwmon");
}

std::string perf_remedy(const std::string& program_path) {
  return fmt::format(
      "give the program the right to read performance counters (Linux 5.8 or later): sudo setcap "
      "cap_perfmon+ep {}. Risk: everybody who may run that file can then watch the counters of the "
      "whole machine, and guess from them what other users' programs compute, so keep it "
      "executable for people you trust only",
      program_path.empty() ? std::string("\"$(command -v tern)\"") : shell_quoted(program_path));
}

}  // namespace tern::energy
