// Text given to a command through a file or a pipe.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "tern/error.h"

namespace tern::tools {

/// Whether standard input is a terminal: nothing is waiting to be read.
bool stdin_is_terminal();

/// All of a file; "-" is standard input. kNotFound, kUnsupported beyond 1 GiB, kInterrupted.
Result<std::string> read_text(const std::string& path);

/// Drops one newline from the end: the one that editors and `echo` put there.
void drop_final_newline(std::string& text);

/// Calls fn for every line of standard input, without its newline, as soon as it is complete; stops
/// early when fn fails. kUnsupported for a line beyond 64 MiB, kInterrupted.
Result<void> for_each_stdin_line(
    const std::function<Result<void>(size_t line_number, std::string_view line)>& fn);

}  // namespace tern::tools
