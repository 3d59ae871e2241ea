// What a user can do about a counter that may not be read: commands to paste, one line each. All of
// them open the counters to a group or a program, never to everybody, and name the risk. Pure
// functions.
#pragma once

#include <span>
#include <string>

namespace tern::energy {

/// Group read access to the counters of powercap, through udev.
std::string powercap_remedy();

/// The same for counters of a hwmon driver. REQUIRES: driver and files hold letters, digits, '_',
/// '-' and '.' only (is_plain_word); they come from sysfs and become part of a command.
std::string hwmon_remedy(const std::string& driver, std::span<const std::string> files);

/// A capability for the running program.
std::string perf_remedy(const std::string& program_path);

bool is_plain_word(const std::string& text);

}  // namespace tern::energy
