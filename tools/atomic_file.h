// Files that programs write for later: a reader finds the old text or the whole new one, never a
// part, also after a crash. Safe to call from several processes for the same path; the last wins.
#pragma once

#include <string>
#include <string_view>

#include "tern/error.h"

namespace tern::tools {

/// Writes `text` to a temporary file beside `path`, syncs it and renames it over `path`. A new file
/// gets the mode of the umask, a replaced one keeps its mode; behind a symbolic link the file that
/// it points to is replaced. What is no regular file (a pipe, a device) is written to as it is. The
/// folder must exist. kNotFound naming the path, also for a full disk; the old file is then intact.
Result<void> write_file_atomically(const std::string& path, std::string_view text);

/// Whether write_file_atomically() could begin; leaves nothing behind. For what is written after
/// minutes of work.
Result<void> check_file_can_be_written(const std::string& path);

}  // namespace tern::tools
