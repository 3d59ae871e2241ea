// Formatting front of a LogSink.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "base/escape.h"
#include "tern/log.h"

namespace tern {

/// Gives the sink, where there is one, a formatted message, made one line.
template <typename... Args>
void log_to(const LogSink& sink, LogLevel level, fmt::format_string<Args...> format,
            Args&&... args) {
  if (sink) sink(level, escape_controls(fmt::format(format, std::forward<Args>(args)...)));
}

}  // namespace tern
