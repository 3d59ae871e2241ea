// Confines this process for good: what an exploit in a model file, a prompt or a template could do
// with it is bounded by the kernel. Two walls (README.md here): a filter of system calls on all
// threads, and Landlock for the paths that can be reached. The decision is a program's, never the
// library's; nothing in tern confines its host by itself.
#pragma once

#include <string>

#include "sandbox/landlock.h"
#include "tern/error.h"

namespace tern::sandbox {

/// What the kernel offers, and this build can use.
struct Support {
  bool filter = false;   // seccomp-BPF
  int landlock_abi = 0;  // 0: none
  std::string problem;   // why something is missing; "" where all is there
};
/// Asks the kernel; changes nothing.
Support support();
/// Whether this build can have no sandbox on any kernel: its sanitizer needs what is filtered.
bool is_unusable_build();

struct Policy {
  PathRules paths;  // nothing else is opened; no path at all where writable is empty
  bool counts_perf_events = false;  // performance counters may be opened
};

/// What holds now.
struct State {
  bool filtered = false;
  int landlock_abi = 0;  // 0: paths are not limited
  std::string problem;   // why a wall is missing; "" where both stand
};

/// REQUIRES: no other thread runs yet - Landlock covers the calling thread and those it begins.
/// Never fails: what the kernel refuses is said in the state. Calling it again can only take away.
State confine(const Policy& policy);

/// Once confined: nothing is opened any more, by any thread, and no thread begins. kNotAvailable.
Result<void> close_for_good();

}  // namespace tern::sandbox
