#include "output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/result.h"

namespace tern::tools {

Output::Output(int fd) : fd_(fd), is_terminal_(::isatty(fd) == 1) {}

bool Output::write(std::string_view text) {
  if (closed_) return false;
  while (!text.empty()) {
    const ssize_t n = ::write(fd_, text.data(), text.size());
    if (n > 0) {
      in_line_ = text[static_cast<size_t>(n) - 1] != '\n';
      text.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    // An interrupt ends the generation, not the text that is being written: JSON stays whole.
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      pollfd waiting{fd_, POLLOUT, 0};
      ::poll(&waiting, 1, -1);
      continue;
    }
    closed_ = true;
    // EPIPE: the reader has gone. EBADF: there never was one.
    if (n < 0 && errno != EPIPE && errno != EBADF) error_ = errno;
    return false;
  }
  return true;
}

Result<void> Output::status() const {
  if (error_ == 0) return {};
  return make_error(ErrorCode::kInternal, "writing to standard output failed: {}",
                    std::strerror(error_));
}

void reserve_standard_streams() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number is this one.
    const int opened = ::open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY);
    if (opened > 2) ::close(opened);
  }
}

}  // namespace tern::tools
