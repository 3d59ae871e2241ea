// The system calls that a confined process may still make, as seccomp-BPF programs (Linux,
// Documentation/userspace-api/seccomp_filter.rst). Pure functions; any thread.
//
// Three answers for a call that is not needed, by what it would mean:
//  - the process ends by SIGSYS, for what tern never does and an exploit must: starting a program
//    or a process, a socket, a look into another process, executable memory, a new kernel module,
//    keys pushed into the terminal. Nothing that goes on after that can be trusted.
//  - EACCES or EPERM, where the call is ordinary and its argument is not declared: the error
//    reaches the user as that of a file without permission would.
//  - ENOSYS for all others, known to us or not: what libraries try first where the kernel is new
//    (clone3, openat2) then falls back on what is allowed.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <vector>

namespace tern::sandbox {

struct FilterNeeds {
  bool writes_files = false;        // creates, replaces and removes files
  bool counts_perf_events = false;  // opens performance counters, which carry energy
};

/// While a model is opened, checked and repacked, and afterwards where files are still needed.
/// `pid`: the process that may send itself signals.
std::vector<sock_filter> confining_filter(const FilterNeeds& needs, pid_t pid);

/// On top of the other: nothing is opened any more, and no thread begins.
std::vector<sock_filter> closing_filter();

/// Name of a call that ends the process, "execve"; null for any other.
const char* fatal_call_name(long number);

}  // namespace tern::sandbox
