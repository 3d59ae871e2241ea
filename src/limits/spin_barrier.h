// A barrier for threads that run at the same time and meet every few milliseconds: waiting spins,
// because a thread that sleeps would come tens of microseconds late to the work that is timed.
// Shared by its threads; owned by whoever started them.
#pragma once

#include <atomic>
#include <thread>

namespace tern::limits {

class SpinBarrier {
 public:
  explicit SpinBarrier(int n_threads) : n_threads_(n_threads) {}
  SpinBarrier(const SpinBarrier&) = delete;
  SpinBarrier& operator=(const SpinBarrier&) = delete;

  /// Returns when all threads are here. What they wrote before is seen by all after.
  void arrive_and_wait() {
    const unsigned round = round_.load(std::memory_order_relaxed);
    if (n_arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == n_threads_) {
      n_arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    for (int spins = 0; round_.load(std::memory_order_acquire) == round; ++spins) {
      if (spins >= kSpinsBeforeYield) std::this_thread::yield();
    }
  }

 private:
  // Some microseconds, as long as the last one of several threads that run comes behind the first.
  // Who waits longer waits for a thread that has no core, and may be sitting on the one it needs.
  static constexpr int kSpinsBeforeYield = 4000;

  const int n_threads_;
  alignas(64) std::atomic<int> n_arrived_{0};
  alignas(64) std::atomic<unsigned> round_{0};
};

}  // namespace tern::limits
