#include "base/replacing_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/descriptor.h"
#include "base/result.h"
#include "base/system_file.h"

namespace tern {
namespace {

/// The file behind symbolic links; the path itself where there is none yet.
std::string resolve_links(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr),
                                                             &std::free);
  return resolved ? std::string(resolved.get()) : path;
}

// .tern-PROCESS-NUMBER.tmp does not hold the target's name, which may already be as long as names
// can be.
constexpr std::string_view kPrefix = ".tern-";
constexpr std::string_view kSuffix = ".tmp";

/// Calls make(name) with names beside the target until one is free; "" with errno when none is.
template <typename Make>
std::string take_free_name(const std::string& folder, Make make) {
  constexpr int kMaxTries = 1000;
  for (int i = 0; i < kMaxTries; ++i) {
    std::string name = fmt::format("{}{}{}-{}{}", folder, kPrefix, ::getpid(), i, kSuffix);
    if (make(name)) return name;
    if (errno != EEXIST) break;
  }
  return "";
}

/// The process in a name of take_free_name(); no value for every other name.
std::optional<uint64_t> process_in(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  if (name.size() <= kSuffix.size()) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  const size_t dash = name.find('-');
  if (dash == std::string_view::npos || !parse_u64(name.substr(dash + 1))) return std::nullopt;
  return parse_u64(name.substr(0, dash));
}

bool is_running(uint64_t process) {
  struct stat found {};
  return ::stat(fmt::format("/proc/{}", process).c_str(), &found) == 0;
}

/// Removes the files that killed programs left in a folder. A file whose process runs, or which one
/// on another machine or in another container holds locked, is not theirs; nor is one that cannot
/// be locked at all.
void remove_abandoned(const std::string& folder) {
  for (const std::string& path : folder_entries(folder)) {
    const auto process = process_in(std::string_view(path).substr(path.rfind('/') + 1));
    if (!process || is_running(*process)) continue;
    // Whoever made a pipe of this name shall not keep us waiting.
    const Descriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat found {};
    if (file.get() < 0 || ::fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode)) continue;
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  }
}

}  // namespace

Result<ReplacingFile> ReplacingFile::create(const std::string& path) {
  ReplacingFile file;
  file.path_ = path;
  file.target_ = resolve_links(path);
  file.folder_ = file.target_.substr(0, file.target_.rfind('/') + 1);
  struct stat existing {};
  const bool exists = ::stat(file.target_.c_str(), &existing) == 0;
  if (exists && !S_ISREG(existing.st_mode)) {
    return make_error(ErrorCode::kNotFound, "{}: cannot be replaced: it is no regular file", path);
  }
  const std::string folder = file.folder_.empty() ? "." : file.folder_;
  remove_abandoned(folder);
  file.fd_ = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (file.fd_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    file.temporary_ = take_free_name(file.folder_, [&](const std::string& name) {
      file.fd_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      return file.fd_ >= 0;
    });
  }
  if (file.fd_ < 0) return file.failed();
  // Tells remove_abandoned() elsewhere that somebody is at work; where files cannot be locked it
  // removes none.
  static_cast<void>(::flock(file.fd_, LOCK_EX | LOCK_NB));
  if (exists && ::fchmod(file.fd_, existing.st_mode & 07777) != 0) return file.failed();
  return file;
}

ReplacingFile::ReplacingFile(ReplacingFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      folder_(std::move(other.folder_)),
      temporary_(std::exchange(other.temporary_, "")),
      fd_(std::exchange(other.fd_, -1)) {}

ReplacingFile::~ReplacingFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Error ReplacingFile::failed() const {
  const int reason = errno;
  Error error =
      make_error(ErrorCode::kNotFound, "{}: cannot be written: {}", path_, std::strerror(reason));
  if (reason == ENOSPC || reason == EDQUOT) error.hint = "free some space, or write elsewhere";
  if (reason == ENOENT) error.hint = "make the folder first";
  if (reason == EACCES || reason == EROFS) error.hint = "write to a folder that you may write to";
  return error;
}

Result<void> ReplacingFile::reserve(uint64_t n_bytes) {
  if (n_bytes == 0) return {};
  const auto size = static_cast<off_t>(n_bytes);
  if (::fallocate(fd_, 0, 0, size) == 0) return {};
  if ((errno != EOPNOTSUPP && errno != ENOSYS) || ::ftruncate(fd_, size) != 0) return failed();
  return {};
}

// Linux keeps gigabytes in memory before it begins to write by itself, and commit() would wait for
// all of them.
void ReplacingFile::send_to_disk(uint64_t n_bytes) const {
  constexpr uint64_t kPortion = uint64_t{64} << 20;
  if (waiting_bytes_.fetch_add(n_bytes, std::memory_order_relaxed) + n_bytes < kPortion) return;
  waiting_bytes_.store(0, std::memory_order_relaxed);
  // Only a hint: commit() syncs and reports what fails.
  static_cast<void>(::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE));
}

Result<void> ReplacingFile::write_at(uint64_t offset, std::span<const uint8_t> bytes) const {
  const uint64_t n_bytes = bytes.size();
  while (!bytes.empty()) {
    // Linux transfers at most 2^31 - 4096 bytes in one call.
    const size_t want = std::min<size_t>(bytes.size(), size_t{1} << 30);
    const ssize_t n = ::pwrite(fd_, bytes.data(), want, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed();
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  send_to_disk(n_bytes);
  return {};
}

Result<void> ReplacingFile::commit() {
  if (::fsync(fd_) != 0) return failed();
  if (temporary_.empty()) {
    // A link cannot replace a file that is there, a rename can.
    const std::string self = fmt::format("/proc/self/fd/{}", fd_);
    temporary_ = take_free_name(folder_, [&](const std::string& name) {
      return ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
    });
    if (temporary_.empty()) return failed();
  }
  // Network file systems report a failed write only here.
  if (::close(std::exchange(fd_, -1)) != 0 || ::rename(temporary_.c_str(), target_.c_str()) != 0) {
    return failed();
  }
  temporary_.clear();
  // The rename itself is durable once the folder is; some file systems cannot sync one, and the
  // file is in place all the same.
  const int folder =
      ::open(folder_.empty() ? "." : folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return {};
}

}  // namespace tern
