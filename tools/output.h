// Standard output of the program: the answer only. Unbuffered, so that text streams; knows when the
// reader has gone. Confined to the main thread.
#pragma once

#include <string_view>

#include "tern/error.h"

namespace tern::tools {

class Output {
 public:
  /// fd stays open and is not owned.
  explicit Output(int fd);

  /// Writes all of it. False once the reader has gone or writing failed: the caller should stop. A
  /// reader that takes its time is waited for; after a signal that asks the program to end, for a
  /// second and no longer.
  bool write(std::string_view text);

  bool is_terminal() const { return is_terminal_; }
  /// The last character written was not a newline.
  bool in_line() const { return in_line_; }
  /// An error other than a reader that has gone: a full disk.
  Result<void> status() const;

 private:
  int fd_;
  bool is_terminal_;
  bool in_line_ = false;
  bool closed_ = false;
  int error_ = 0;  // errno of the failed write; 0 also when the reader has gone
};

/// Opens /dev/null in place of a standard stream that the caller closed, so that no file of ours
/// gets its number. Standard output is opened for reading: writing to it fails, as it should.
void reserve_standard_streams();

}  // namespace tern::tools
