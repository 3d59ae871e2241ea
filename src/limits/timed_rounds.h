// Work that all workers do at the same time, again and again, timed round by round inside one fork
// of the pool, so that waking the workers does not count. Free functions.
#pragma once

#include <chrono>

#include "limits/crew.h"
#include "limits/spin_barrier.h"

namespace tern::limits {

inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// While prepare() returns true: work(worker) on every worker, then finish(seconds) with the time
/// from before the first began until the last was done. prepare and finish run on worker 0 while
/// the others wait, so they may write what work reads. None of them may throw.
template <typename Prepare, typename Work, typename Finish>
void timed_rounds(const Crew& crew, Prepare prepare, Work work, Finish finish) {
  SpinBarrier barrier(crew.size());
  bool more = true;
  crew.run([&](int worker) {
    for (;;) {
      double start = 0.0;
      if (worker == 0) {
        more = prepare();
        // Taken before the others are let go: a worker 0 that the system suspends between the two
        // makes the round seem slower, never faster.
        start = seconds_now();
      }
      barrier.arrive_and_wait();
      if (!more) return;
      work(worker);
      barrier.arrive_and_wait();
      if (worker == 0) finish(seconds_now() - start);
    }
  });
}

}  // namespace tern::limits
