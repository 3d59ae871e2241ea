#include "output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/result.h"
#include "signals.h"

namespace tern::tools {

Output::Output(int fd) : fd_(fd), is_terminal_(::isatty(fd) == 1) {}

bool Output::write(std::string_view text) {
  if (closed_) return false;
  int n_waits = 0;
  while (!text.empty()) {
    // Never blocks in the write itself: a signal that comes just before it would not end it.
    pollfd waiting{fd_, POLLOUT, 0};
    constexpr int kWaitMs = 100;
    constexpr int kWaitsAfterSignal = 10;
    if (::poll(&waiting, 1, kWaitMs) == 0) {
      n_waits = interrupt_flag().load() ? n_waits + 1 : 0;
      if (n_waits < kWaitsAfterSignal) continue;
      // Nobody reads, and the program shall end.
      closed_ = true;
      return false;
    }
    // What a pipe that is ready takes at once.
    constexpr size_t kPiece = 4096;
    const ssize_t n = ::write(fd_, text.data(), std::min(text.size(), kPiece));
    if (n > 0) {
      in_line_ = text[static_cast<size_t>(n) - 1] != '\n';
      text.remove_prefix(static_cast<size_t>(n));
      n_waits = 0;
      continue;
    }
    // An interrupt ends the generation, not the text that is being written: JSON stays whole.
    if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) continue;
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
