// What energy sources ask the operating system for, behind one interface, so that tests can give
// them a tree, counters and a clock of their own. real_system() is the one that programs use; it
// has no state and may be shared by threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tern::energy {

/// The text of a small file, or why there is none.
struct FileText {
  enum class State { kOk, kMissing, kDenied, kFailed };
  State state = State::kMissing;
  std::string text;   // as read; at most kMaxFileBytes
  std::string error;  // "permission denied"; "" when kOk

  bool ok() const { return state == State::kOk; }
};
/// A file of sysfs is one page at most, and values are much shorter.
inline constexpr size_t kMaxFileBytes = 4096;

/// An open event of a performance monitoring unit.
class PerfCounter {
 public:
  virtual ~PerfCounter() = default;
  /// False when the kernel gives no value.
  virtual bool read(uint64_t& value) = 0;
};
struct PerfOpening {
  std::unique_ptr<PerfCounter> counter;  // null: error_number says why
  int error_number = 0;                  // errno
};

/// Calls a function again and again from a thread of its own until it is destroyed, which waits for
/// a call that is under way.
class Repeater {
 public:
  virtual ~Repeater() = default;
};

class System {
 public:
  virtual ~System() = default;

  virtual FileText read_file(const std::string& path) = 0;
  /// Names in a folder, shorter ones first, then by byte; empty when it cannot be read. Entries
  /// beyond the first few thousand are left out.
  virtual std::vector<std::string> list_folder(const std::string& path) = 0;
  /// Counts an event for everything that runs on `cpu`, or for what that CPU stands for.
  virtual PerfOpening open_perf(uint32_t type, uint64_t config, int cpu) = 0;
  /// A clock that never goes back.
  virtual double now_seconds() = 0;
  virtual void sleep_seconds(double seconds) = 0;
  /// Null when no thread can be started.
  virtual std::unique_ptr<Repeater> repeat_every(double seconds, std::function<void()> fn) = 0;
  /// Path of the running program; "" when it is not known.
  virtual std::string program_path() = 0;
  /// "" where energy sources can exist, else why not.
  virtual std::string why_unsupported() = 0;
};

std::shared_ptr<System> real_system();

}  // namespace tern::energy
