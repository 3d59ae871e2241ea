#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "chat/line_editor.h"
#include "signals.h"

namespace tern::tools {
namespace {

class PlainEditor final : public LineEditor {
 public:
  explicit PlainEditor(int prompt_fd) : prompt_fd_(prompt_fd) {}

  TypedLine read(const std::string& prompt, const std::string&) override {
    write_prompt(prompt);
    for (;;) {
      const size_t end = pending_.find('\n', searched_);
      if (end != std::string::npos) return take(end, end + 1);
      searched_ = pending_.size();
      if (interrupt_flag().load()) {
        searched_ = 0;
        return {TypedLine::Kind::kInterrupt, std::exchange(pending_, {})};
      }
      // A signal between the look and the wait must not be overslept.
      pollfd waiting{STDIN_FILENO, POLLIN, 0};
      if (::poll(&waiting, 1, 250) <= 0) continue;
      std::array<char, 4096> buffer;
      const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        if (!pending_.empty()) return take(pending_.size(), pending_.size());
        return {TypedLine::Kind::kEnd, {}};
      }
      pending_.append(buffer.data(), static_cast<size_t>(n));
    }
  }

  void add_history(const std::string&) override {}
  bool can_prefill() const override { return false; }

 private:
  TypedLine take(size_t end, size_t next) {
    TypedLine line{TypedLine::Kind::kLine, pending_.substr(0, end)};
    if (line.text.ends_with('\r')) line.text.pop_back();
    pending_.erase(0, next);
    searched_ = 0;
    return line;
  }

  void write_prompt(const std::string& prompt) const {
    if (prompt_fd_ < 0) return;
    // A prompt that cannot be written changes nothing.
    [[maybe_unused]] const ssize_t n = ::write(prompt_fd_, prompt.data(), prompt.size());
  }

  int prompt_fd_;
  std::string pending_;
  size_t searched_ = 0;  // bytes of pending_ that hold no newline
};

}  // namespace

std::unique_ptr<LineEditor> make_plain_editor(int prompt_fd) {
  return std::make_unique<PlainEditor>(prompt_fd);
}

}  // namespace tern::tools
