#include "sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/descriptor.h"
#include "base/result.h"

namespace tern::sandbox {
namespace {

// Rights by the version that brought them; headers may be older than the kernel.
constexpr uint64_t kRightsOfFirst = (uint64_t{1} << 13) - 1;
constexpr uint64_t kRefer = uint64_t{1} << 13;        // 2: moved from one folder to another
constexpr uint64_t kTruncate = uint64_t{1} << 14;     // 3
constexpr uint64_t kDeviceIoctl = uint64_t{1} << 15;  // 5
constexpr uint64_t kBindAndConnect = 3;               // 4, of the network

constexpr uint64_t kReading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kWriting = kReading | LANDLOCK_ACCESS_FS_WRITE_FILE |
                              LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
                              LANDLOCK_ACCESS_FS_REMOVE_FILE | kRefer | kTruncate;
// What a rule about a file, not a folder, may grant.
constexpr uint64_t kOfFiles =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;

// As far as tern uses it. A kernel takes a longer one than it knows if the rest is zero.
struct Ruleset {
  uint64_t handled_files;
  uint64_t handled_network;
};

Error failed(const char* what) {
  return make_error(ErrorCode::kNotAvailable, "{}: {}", what, std::strerror(errno));
}

Result<void> allow(const Descriptor& ruleset, const std::string& path, uint64_t rights) {
  const Descriptor at(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (at.get() < 0) return {};
  struct stat status {};
  if (::fstat(at.get(), &status) != 0) return failed("landlock");
  landlock_path_beneath_attr rule{};
  rule.allowed_access = S_ISDIR(status.st_mode) ? rights : rights & kOfFiles;
  rule.parent_fd = at.get();
  if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
    return failed("landlock_add_rule");
  }
  return {};
}

}  // namespace

int landlock_abi() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return static_cast<int>(std::max(version, 0L));
}

Result<void> restrict_paths(const PathRules& rules) {
  const int abi = landlock_abi();
  if (abi < 1) return failed("landlock");
  Ruleset wanted{kRightsOfFirst, 0};
  if (abi >= 2) wanted.handled_files |= kRefer;
  if (abi >= 3) wanted.handled_files |= kTruncate;
  if (abi >= 4) wanted.handled_network = kBindAndConnect;
  if (abi >= 5) wanted.handled_files |= kDeviceIoctl;
  const Descriptor ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &wanted, sizeof(wanted), 0)));
  if (ruleset.get() < 0) return failed("landlock_create_ruleset");
  for (const std::string& path : rules.readable) {
    TERN_RETURN_IF_ERROR(allow(ruleset, path, kReading));
  }
  for (const std::string& path : rules.writable) {
    TERN_RETURN_IF_ERROR(allow(ruleset, path, kWriting & wanted.handled_files));
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return failed("landlock_restrict_self");
  }
  return {};
}

}  // namespace tern::sandbox
