// Sleeping until a number changes: the one place of the library where a thread waits in the system.
// std::atomic's own wait and notify would do, but its notify looks into a table of waiters that all
// atomics of the process share, and GCC 12 makes a system call whenever any of them has a waiter.
// Free functions; any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace tern {

/// Sleeps while word holds `expected`; returns at once where it does not. May return early, so call
/// it in a loop.
void futex_wait(const std::atomic<uint32_t>& word, uint32_t expected);

/// Wakes every thread that sleeps on word. A system call even where none does: count the sleepers.
void futex_wake_all(const std::atomic<uint32_t>& word);

}  // namespace tern
