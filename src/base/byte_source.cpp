#include "base/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/result.h"

namespace tern {
namespace {

Error shrunk_error(const std::string& name, uint64_t offset, uint64_t n_bytes, uint64_t size) {
  return with_hint(
      make_error(ErrorCode::kCorrupt,
                 "{}: the file ends before byte {} ({} bytes were to be read at {}; it "
                 "had {} bytes when opened)",
                 name, offset + n_bytes, n_bytes, offset, size),
      "the file is truncated or was changed while it was read; download it again");
}

class FileSource final : public ByteSource {
 public:
  FileSource(int fd, std::string path, uint64_t size)
      : fd_(fd), path_(std::move(path)), size_(size) {}
  ~FileSource() override { ::close(fd_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  const std::string& name() const override { return path_; }
  uint64_t size_bytes() const override { return size_; }

  Result<void> read_at(uint64_t offset, std::span<uint8_t> out) const override {
    size_t done = 0;
    while (done < out.size()) {
      // Linux transfers at most 2^31 - 4096 bytes in one call.
      const size_t want = std::min<size_t>(out.size() - done, size_t{1} << 30);
      const ssize_t n = ::pread(fd_, out.data() + done, want, static_cast<off_t>(offset + done));
      if (n < 0) {
        if (errno == EINTR) continue;
        return make_error(ErrorCode::kNotFound, "{}: reading at byte {} failed: {}", path_,
                          offset + done, std::strerror(errno));
      }
      if (n == 0) return shrunk_error(path_, offset, out.size(), size_);
      done += static_cast<size_t>(n);
    }
    return {};
  }

 private:
  int fd_;
  std::string path_;
  uint64_t size_;
};

class MemorySource final : public ByteSource {
 public:
  MemorySource(std::vector<uint8_t> bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)) {}

  const std::string& name() const override { return name_; }
  uint64_t size_bytes() const override { return bytes_.size(); }

  Result<void> read_at(uint64_t offset, std::span<uint8_t> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
      return shrunk_error(name_, offset, out.size(), bytes_.size());
    }
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }

 private:
  std::vector<uint8_t> bytes_;
  std::string name_;
};

}  // namespace

Result<std::shared_ptr<const ByteSource>> open_file_source(const std::string& path) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer; regular files do not care.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const int reason = errno;
    return with_hint(
        make_error(ErrorCode::kNotFound, "{}: cannot open: {}", path, std::strerror(reason)),
        reason == ENOENT                      ? "check the path"
        : reason == EACCES || reason == EPERM ? "check the permissions of the file"
                                              : "");
  }
  struct stat status = {};
  if (::fstat(fd, &status) != 0 || (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))) {
    ::close(fd);
    return with_hint(
        make_error(ErrorCode::kNotFound, "{}: {}", path,
                   S_ISDIR(status.st_mode) ? "is a directory" : "is not a regular file"),
        "name a file");
  }
  const off_t end = ::lseek(fd, 0, SEEK_END);
  return std::shared_ptr<const ByteSource>(
      std::make_shared<FileSource>(fd, path, end < 0 ? 0 : static_cast<uint64_t>(end)));
}

std::shared_ptr<const ByteSource> make_memory_source(std::vector<uint8_t> bytes, std::string name) {
  return std::make_shared<MemorySource>(std::move(bytes), std::move(name));
}

Result<std::vector<uint8_t>> read_all(const ByteSource& source, uint64_t max_bytes) {
  if (source.size_bytes() > max_bytes) {
    return make_error(ErrorCode::kUnsupported, "{}: has {} bytes; at most {} are accepted here",
                      source.name(), source.size_bytes(), max_bytes);
  }
  std::vector<uint8_t> bytes(source.size_bytes());
  TERN_RETURN_IF_ERROR(source.read_at(0, bytes));
  return bytes;
}

}  // namespace tern
