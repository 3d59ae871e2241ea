// Everything that is not the answer: errors, warnings, notices, statistics, on standard error. The
// only place that uses spdlog. One object per program; messages may come from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "tern/error.h"
#include "tern/log.h"

namespace spdlog {
class logger;
}

namespace tern::tools {

class Log {
 public:
  /// Colours only when standard error is a terminal that knows them and NO_COLOR is not set
  /// (https://no-color.org).
  Log();
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Shows what the library reports at information level too.
  void set_verbose(bool verbose);

  /// One plain line, always shown: which model, statistics.
  void notice(std::string_view text);
  void info(std::string_view text);
  void warning(std::string_view text);
  /// "error: message" and, if there is one, "hint: advice". Control characters are escaped.
  void error(const Error& error);

  /// For the library; refers to this object.
  LogSink sink();

  /// Called before a message is written: a progress bar clears its line. Empty: nothing.
  void set_before_message(std::function<void()> before) { before_message_ = std::move(before); }

  bool is_terminal() const { return is_terminal_; }

 private:
  void prepare();

  bool is_terminal_;
  std::shared_ptr<spdlog::logger> labelled_;  // "warning: ..."
  std::shared_ptr<spdlog::logger> plain_;
  std::shared_ptr<spdlog::logger> hints_;
  std::function<void()> before_message_;
};

}  // namespace tern::tools
