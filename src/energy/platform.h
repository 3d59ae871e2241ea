// The few things that only Linux has. The rest of this folder compiles everywhere.
#pragma once

#include <cstdint>
#include <string>

namespace tern::energy {

/// A descriptor, or -1 with errno set.
int open_perf_event(uint32_t type, uint64_t config, int cpu);
/// Path of the running program; "" when it is not known.
std::string own_path();
/// "" on Linux.
std::string why_platform_has_no_sources();

}  // namespace tern::energy
