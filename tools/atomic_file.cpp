#include "atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "base/replacing_file.h"
#include "base/result.h"

namespace tern::tools {
namespace {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool is_replaced(const std::string& path) {
  struct stat existing {};
  return ::stat(path.c_str(), &existing) != 0 || S_ISREG(existing.st_mode);
}

Result<void> write_in_place(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool written = fd >= 0 && write_all(fd, text);
  const int reason = errno;
  if (fd >= 0) ::close(fd);
  if (written) return {};
  return make_error(ErrorCode::kNotFound, "{}: cannot be written: {}", path, std::strerror(reason));
}

}  // namespace

Result<void> write_file_atomically(const std::string& path, std::string_view text) {
  if (!is_replaced(path)) return write_in_place(path, text);
  TERN_ASSIGN_OR_RETURN(ReplacingFile file, ReplacingFile::create(path));
  TERN_RETURN_IF_ERROR(
      file.write_at(0, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}));
  return file.commit();
}

Result<void> check_file_can_be_written(const std::string& path) {
  // What is written in place may be a pipe, whose reader would take an end for the end.
  if (!is_replaced(path)) return {};
  auto file = ReplacingFile::create(path);
  if (!file) return std::move(file).error();
  return {};
}

}  // namespace tern::tools
