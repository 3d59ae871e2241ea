#include "atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "base/result.h"

namespace tern::tools {
namespace {

/// A descriptor of our own, closed at the end.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }
  /// Network file systems report a failed write only here.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

/// Removes the temporary file unless it has become the real one.
struct Cleanup {
  const std::string& path;
  bool active = true;
  ~Cleanup() {
    if (active) ::unlink(path.c_str());
  }
};

Error failed(const std::string& path) {
  return make_error(ErrorCode::kNotFound, "{}: cannot be written: {}", path, std::strerror(errno));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

/// The file behind symbolic links; the path itself where there is none yet.
std::string resolve_links(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr),
                                                             &std::free);
  return resolved ? std::string(resolved.get()) : path;
}

/// "" when the path is a bare name; else with its slash.
std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

/// Creates a file that nobody else has, so that two writers do not mix. Its name does not hold that
/// of the target, which may already be as long as names can be.
int create_temporary(const std::string& folder, std::string& path) {
  constexpr int kMaxTries = 1000;
  for (int i = 0; i < kMaxTries; ++i) {
    path = fmt::format("{}.tern-{}-{}.tmp", folder, ::getpid(), i);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

Result<void> write_in_place(const std::string& path, std::string_view text) {
  const File file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.fd() < 0 || !write_all(file.fd(), text)) return failed(path);
  return {};
}

}  // namespace

Result<void> write_file_atomically(const std::string& path, std::string_view text) {
  const std::string target = resolve_links(path);
  struct stat existing {};
  const bool exists = ::stat(target.c_str(), &existing) == 0;
  if (exists && !S_ISREG(existing.st_mode)) return write_in_place(path, text);

  const std::string folder = folder_of(target);
  std::string temporary;
  File file(create_temporary(folder, temporary));
  if (file.fd() < 0) return failed(path);
  Cleanup cleanup{temporary};
  if (exists && ::fchmod(file.fd(), existing.st_mode & 07777) != 0) return failed(path);
  if (!write_all(file.fd(), text) || ::fsync(file.fd()) != 0 || !file.close() ||
      ::rename(temporary.c_str(), target.c_str()) != 0) {
    return failed(path);
  }
  cleanup.active = false;
  // The rename itself is durable once the folder is; some file systems cannot sync one, and the
  // file is in place all the same.
  const File opened(
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.fd() >= 0) ::fsync(opened.fd());
  return {};
}

}  // namespace tern::tools
