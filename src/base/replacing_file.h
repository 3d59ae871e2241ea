// A file in the making that takes the place of another when it is whole: readers find the old
// contents or all of the new ones, and nothing is left behind when it is given up, be it by an
// error, by a signal that kills or by a crash. Where the file needs a name before it is whole (file
// systems without O_TMPFILE: over networks, on FAT; elsewhere for the moment of the replacement) a
// killed process leaves a file .tern-*.tmp, which the next file begun in this folder removes.
// write_at() may be called by threads at once, on disjoint ranges.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>

#include "tern/error.h"

namespace tern {

class ReplacingFile {
 public:
  /// Begins a file beside `path`, whose folder must exist; behind a symbolic link the file that it
  /// points to will be replaced. A new file gets the mode of the umask, a replaced one keeps its
  /// mode. kNotFound naming the path, also where it is there and no regular file.
  static Result<ReplacingFile> create(const std::string& path);
  /// Gives the file up unless it was committed.
  ~ReplacingFile();
  ReplacingFile(ReplacingFile&& other) noexcept;
  ReplacingFile& operator=(ReplacingFile&&) = delete;
  ReplacingFile(const ReplacingFile&) = delete;
  ReplacingFile& operator=(const ReplacingFile&) = delete;

  /// Gives the file a size, the bytes being zeros, and where the file system can the disk space for
  /// it. kNotFound: no space, or more than a file may have here.
  Result<void> reserve(uint64_t n_bytes);
  /// The disk begins to write while more is computed. kNotFound with the system's reason: a full
  /// disk.
  Result<void> write_at(uint64_t offset, std::span<const uint8_t> bytes) const;
  /// Syncs the file to the disk and puts it in its place. kNotFound; the old file is then intact.
  Result<void> commit();

  const std::string& path() const { return path_; }

 private:
  ReplacingFile() = default;
  Error failed() const;
  void send_to_disk(uint64_t n_bytes) const;

  std::string path_;       // as given
  std::string target_;     // behind links
  std::string folder_;     // of the target; "" or with its slash
  std::string temporary_;  // "" while the file has no name
  int fd_ = -1;
  mutable std::atomic<uint64_t> waiting_bytes_{0};  // written and not yet sent to the disk
};

}  // namespace tern
