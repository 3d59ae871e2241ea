// Workers that run at the same time: the pool alone lets the caller do the share of a thread that
// has not begun. A value that borrows the pool.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "limits/spin_barrier.h"
#include "threading/affinity.h"
#include "threading/worker_pool.h"

namespace tern::limits {

class Crew {
 public:
  /// cpus: where each worker is to run meanwhile; empty: wherever the system puts it. A system that
  /// has other things to do may leave two threads on one core for seconds, which would halve what
  /// the machine seems to be able to do.
  Crew(Workers workers, std::vector<int> cpus) : workers_(workers), cpus_(std::move(cpus)) {}

  int size() const { return workers_.size(); }

  /// fn(worker) on every worker, each on a thread of its own, beginning together. fn must not
  /// throw.
  template <typename Fn>
  void run(Fn fn) const {
    SpinBarrier barrier(size());
    workers_.run([&](int worker) {
      std::optional<CpuPin> pin;
      if (!cpus_.empty()) pin.emplace(cpus_[static_cast<size_t>(worker)]);
      barrier.arrive_and_wait();
      fn(worker);
    });
  }

 private:
  Workers workers_;
  std::vector<int> cpus_;
};

}  // namespace tern::limits
