#include "energy/platform.h"

#if defined(__linux__)

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

namespace tern::energy {

int open_perf_event(uint32_t type, uint64_t config, int cpu) {
  perf_event_attr attributes = {};
  attributes.type = type;
  attributes.size = sizeof(attributes);
  attributes.config = config;
  constexpr pid_t kAnyProcess = -1;
  constexpr int kNoGroup = -1;
  // glibc has no wrapper for this call.
  return static_cast<int>(::syscall(SYS_perf_event_open, &attributes, kAnyProcess, cpu, kNoGroup,
                                    PERF_FLAG_FD_CLOEXEC));
}

std::string own_path() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string() : path.string();
}

std::string why_platform_has_no_sources() { return {}; }

}  // namespace tern::energy

#else

#include <cerrno>

namespace tern::energy {

int open_perf_event(uint32_t /*type*/, uint64_t /*config*/, int /*cpu*/) {
  errno = ENOSYS;
  return -1;
}

std::string own_path() { return {}; }

// macOS tells the power of a Mac to root only (powermetrics), and other systems have nothing that a
// program may read; --power-watts is what remains there.
std::string why_platform_has_no_sources() {
  return "not available on this system: energy is read from Linux's /sys";
}

}  // namespace tern::energy

#endif
