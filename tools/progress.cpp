#include "progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace tern::tools {
namespace {

size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool terminal_can_erase() {
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace

std::string format_progress(std::string_view label, double fraction, std::string_view detail,
                            size_t n_columns) {
  fraction = std::clamp(fraction, 0.0, 1.0);
  constexpr size_t kBarWidth = 30;
  const auto n_full = static_cast<size_t>(fraction * static_cast<double>(kBarWidth));
  std::string line =
      fmt::format("{} [{}{}] {:3d}% {}", label, std::string(n_full, '#'),
                  std::string(kBarWidth - n_full, ' '), static_cast<int>(fraction * 100.0), detail);
  // A line that reaches the last column would scroll, and could not be erased.
  if (line.size() + 1 > n_columns) line.resize(n_columns > 0 ? n_columns - 1 : 0);
  return line;
}

ProgressBar::ProgressBar(Log& log, std::string label)
    : log_(log), label_(std::move(label)), enabled_(log.is_terminal() && terminal_can_erase()) {
  if (enabled_) log_.set_before_message([this] { erase(); });
}

ProgressBar::~ProgressBar() {
  if (!enabled_) return;
  erase();
  log_.set_before_message({});
}

void ProgressBar::update(double fraction, std::string_view detail) {
  if (!enabled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (drawn_ && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  drawn_ = true;
  const std::string line = format_progress(label_, fraction, detail, terminal_columns());
  std::fputs(("\r" + line + "\x1b[K").c_str(), stderr);
  std::fflush(stderr);
}

void ProgressBar::erase() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace tern::tools
