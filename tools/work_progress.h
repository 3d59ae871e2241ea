// The progress bar of commands that work through a file: how far, how fast, how long it still
// takes.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "figures.h"
#include "progress.h"

namespace tern::tools {

class WorkProgress {
 public:
  WorkProgress(Log& log, std::string label) : bar_(log, std::move(label)) {}

  void update(std::string_view stage, uint64_t done_bytes, uint64_t total_bytes) {
    const auto now = std::chrono::steady_clock::now();
    if (stage != stage_) {
      bar_.erase();  // so that the new stage is drawn at once, however soon it comes
      stage_ = stage;
      begin_ = now;
    }
    const double fraction =
        total_bytes == 0 ? 1.0 : static_cast<double>(done_bytes) / static_cast<double>(total_bytes);
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    std::string detail(stage);
    if (seconds > 0.0 && fraction > 0.0) {
      detail +=
          fmt::format(", {}/s, {} left",
                      byte_size(static_cast<uint64_t>(static_cast<double>(done_bytes) / seconds)),
                      duration(seconds * (1.0 - fraction) / fraction));
    }
    bar_.update(fraction, detail);
  }
  void erase() { bar_.erase(); }

 private:
  ProgressBar bar_;
  std::string stage_;
  std::chrono::steady_clock::time_point begin_{};
};

}  // namespace tern::tools
