// Formatting front of a LogSink.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "tern/log.h"

namespace tern {

template <typename... Args>
void log_to(const LogSink& sink, LogLevel level, fmt::format_string<Args...> format,
            Args&&... args) {
  if (sink) sink(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tern
