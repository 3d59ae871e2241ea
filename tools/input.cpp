#include "input.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "base/result.h"
#include "signals.h"

namespace tern::tools {
namespace {

const std::string kStdinName = "standard input";
constexpr size_t kMaxTextBytes = size_t{1} << 30;
constexpr size_t kMaxLineBytes = size_t{64} << 20;

/// Appends the next bytes of `fd`; 0: the end.
Result<size_t> read_some(int fd, const std::string& name, std::string& out) {
  std::array<char, 65536> buffer;
  for (;;) {
    if (interrupt_flag().load()) return make_error(ErrorCode::kInterrupted, "interrupted");
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n >= 0) {
      out.append(buffer.data(), static_cast<size_t>(n));
      return static_cast<size_t>(n);
    }
    if (errno != EINTR) {
      return make_error(ErrorCode::kNotFound, "{}: reading failed: {}", name, std::strerror(errno));
    }
  }
}

Result<std::string> read_to_end(int fd, const std::string& name) {
  std::string text;
  for (;;) {
    TERN_ASSIGN_OR_RETURN(const size_t n, read_some(fd, name, text));
    if (n == 0) return text;
    if (text.size() > kMaxTextBytes) {
      return make_error(ErrorCode::kUnsupported, "{}: holds more than {} bytes", name,
                        kMaxTextBytes);
    }
  }
}

}  // namespace

bool stdin_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

Result<std::string> read_text(const std::string& path) {
  if (path == "-") return read_to_end(STDIN_FILENO, kStdinName);
  // Not a ByteSource: a prompt may come from a named pipe or a shell's <(...).
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return make_error(ErrorCode::kNotFound, "{}: cannot be opened: {}", path, std::strerror(errno));
  }
  return read_to_end(file.get(), path);
}

void drop_final_newline(std::string& text) {
  if (!text.ends_with('\n')) return;
  text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

Result<void> for_each_stdin_line(const std::function<Result<void>(size_t, std::string_view)>& fn) {
  std::string pending;
  size_t line_number = 0;
  for (;;) {
    TERN_ASSIGN_OR_RETURN(const size_t n_read, read_some(STDIN_FILENO, kStdinName, pending));
    size_t begin = 0;
    // What was there before this read holds no newline.
    size_t search = pending.size() - n_read;
    for (;;) {
      const size_t end = pending.find('\n', search);
      if (end == std::string::npos) break;
      TERN_RETURN_IF_ERROR(fn(++line_number, std::string_view(pending).substr(begin, end - begin)));
      begin = search = end + 1;
    }
    pending.erase(0, begin);
    if (n_read == 0) break;
    if (pending.size() > kMaxLineBytes) {
      return make_error(ErrorCode::kUnsupported,
                        "line {} of standard input is longer than {} bytes", line_number + 1,
                        kMaxLineBytes);
    }
  }
  if (!pending.empty()) TERN_RETURN_IF_ERROR(fn(++line_number, pending));
  return {};
}

}  // namespace tern::tools
