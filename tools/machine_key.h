// What a kept measurement depends on, as one line of text. Pure functions but for machine_key().
#pragma once

#include <string>

#include "tern/cpu.h"

namespace tern::tools {

/// Which program this is: version, commit and compiler. A commit that does not say what was built
/// (changed sources, no repository) is followed by size and time of the program file.
std::string binary_key();

/// The CPU as this process sees it: model, features, usable cores by kind, last-level cache, quota.
std::string cpu_key(const CpuInfo& cpu, const CpuTopology& topology);

/// Both, for this process. Changes when anything that they name changes; measurements kept under
/// another key say nothing about this program here. Readable, so that people can see what differs.
std::string machine_key(const CpuInfo& cpu, const CpuTopology& topology);
std::string machine_key();

}  // namespace tern::tools
