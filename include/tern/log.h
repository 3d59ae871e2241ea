// Where the library reports what is not an error: the caller gives a sink. The library itself never
// prints. A sink may be called from any thread that runs tern code, one call at a time per object.
#pragma once

#include <functional>
#include <string_view>

namespace tern {

enum class LogLevel { kDebug, kInfo, kWarning };

/// Receives one message without a trailing newline. An empty function drops messages.
using LogSink = std::function<void(LogLevel, std::string_view)>;

}  // namespace tern
