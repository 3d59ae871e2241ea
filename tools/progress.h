// A progress bar on standard error: only on a terminal, erased when done. May be updated from one
// thread at a time; clears itself when a message is logged.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "log.h"

namespace tern::tools {

class ProgressBar {
 public:
  /// Draws nothing unless `log` writes to a terminal. `log` must outlive the bar.
  ProgressBar(Log& log, std::string label);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// fraction in [0, 1]; detail is shown behind the bar. Draws at most ten times a second.
  void update(double fraction, std::string_view detail);
  void erase();

 private:
  Log& log_;
  std::string label_;
  bool enabled_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

/// "label [#####     ]  50% detail", cut to n_columns - 1 characters. All ASCII.
std::string format_progress(std::string_view label, double fraction, std::string_view detail,
                            size_t n_columns);

}  // namespace tern::tools
