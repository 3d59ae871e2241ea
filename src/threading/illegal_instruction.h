// A guard around code that may hold instructions this CPU does not have: hypervisors and emulators
// pass on CPUID bits of instructions that they do not run. Process-wide, as signal handlers are;
// calls from several threads take turns.
#pragma once

namespace tern {

/// Runs fn(data) in this thread. False: an illegal instruction ended it halfway, and what it had
/// begun stays as it is. The handler of SIGILL that was there before is back afterwards; meanwhile
/// it still gets what other threads meet, and what somebody sends.
/// REQUIRES: leaving fn in the middle does no harm: it allocates nothing, locks nothing, and has no
/// destructors to run.
bool survives_illegal_instructions(void (*fn)(void* data), void* data);

}  // namespace tern
