// Makes files where the user of a confined conversation names them (/export): a process of its own,
// begun before the walls stand, that does one thing - write a text under a name that is not taken.
// It is asked through a pair of pipes and believes nothing it is told: sizes are checked, no file
// is ever replaced, and walls of its own leave it no system call for more. Confined to the main
// thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "tern/error.h"

namespace tern::tools {

class FileMaker {
 public:
  /// Begins the process. kInternal with the system's reason. REQUIRES: no thread was begun.
  static Result<std::unique_ptr<FileMaker>> start();
  /// Ends it.
  ~FileMaker();
  FileMaker(const FileMaker&) = delete;
  FileMaker& operator=(const FileMaker&) = delete;

  /// The errors of write_new_file(); kInternal when the process is gone.
  Result<void> make(const std::string& path, std::string_view text);

  static constexpr size_t kMaxPathBytes = 4096;
  static constexpr size_t kMaxTextBytes = size_t{1} << 30;

 private:
  FileMaker(pid_t pid, int to, int from) : pid_(pid), to_(to), from_(from) {}
  pid_t pid_;
  int to_, from_;  // ends of the pipes
};

/// Writes a file as a whole. kUsage where there is one of that name, kNotFound where it cannot be
/// written.
Result<void> write_new_file(const std::string& path, std::string_view text);

}  // namespace tern::tools
