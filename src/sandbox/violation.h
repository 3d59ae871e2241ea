// What is seen of a system call that the filter ends the process for. Process-wide: a signal has
// one handler.
#pragma once

namespace tern::sandbox {

/// From now on such a call writes one line with its name to standard error, and then the process
/// ends by SIGSYS. The call itself was not made, whatever becomes of the handler.
void report_violations();

}  // namespace tern::sandbox
