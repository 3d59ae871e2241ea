// What was typed before, from one program to the next: a text file, a line each, the oldest first.
// Several programs may add to it at once. Confined to one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tern/error.h"

namespace tern::tools {

class HistoryFile {
 public:
  /// The folder is made when something is added.
  explicit HistoryFile(std::string path) : path_(std::move(path)) {}

  /// The newest kMaxEntries; empty for a file that is missing. kNotFound where it cannot be read.
  /// A file that has grown to twice as many is cut back.
  Result<std::vector<std::string>> load() const;
  /// kNotFound with the reason.
  Result<void> add(std::string_view text) const;

  static constexpr size_t kMaxEntries = 1000;
  /// Longer texts are not kept.
  static constexpr size_t kMaxEntryBytes = 16384;

 private:
  std::string path_;
};

/// A text as one line: newlines and backslashes with a backslash in front. And back.
std::string to_history_line(std::string_view text);
std::string from_history_line(std::string_view line);

}  // namespace tern::tools
