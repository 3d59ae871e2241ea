// The pool of worker threads, owned by the engine. The calling thread is worker 0. A call from
// another thread waits its turn; a call from inside a worker is a bug.
//
// Who computes what never changes a result: callers split work into pieces that do not depend on
// each other. Two ways to split: parallel_for() gives every worker one piece, parallel_chunks()
// also lets workers that are done take chunks from those that are not.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include "tern/error.h"
#include "threading/affinity.h"

namespace tern {

class Workers;

class WorkerPool {
 public:
  /// Starts n_threads - 1 threads. cpus: where each worker is to stay; empty: wherever the system
  /// puts it. kInternal with the system's reason when a thread cannot be started. REQUIRES: cpus is
  /// empty or has n_threads entries.
  static Result<std::unique_ptr<WorkerPool>> create(int n_threads, std::vector<int> cpus = {});
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int size() const { return n_threads_; }
  const std::vector<int>& cpus() const { return cpus_; }

  /// Keeps the calling thread, which is worker 0 of what it calls, on its CPU until the value goes.
  /// Two system calls each way, so it is for a token or a load, not for a single call. Does nothing
  /// for a pool that is not pinned, and for a thread that has been given other CPUs than the one
  /// that created the pool.
  CpuPin pin_caller() const { return home_ ? CpuPin(cpus_.front(), *home_) : CpuPin(); }

  /// The first n workers. REQUIRES: 1 <= n <= size().
  Workers first(int n) const;
  Workers all() const;

  /// As Workers::run and Workers::parallel_for, of all().
  template <typename Fn>
  void run(Fn&& fn) const;
  template <typename Fn>
  void parallel_for(size_t n, size_t grain, Fn&& fn) const;

 private:
  using Task = void (*)(void* context, int worker);

  // A worker's share of a call, on a cache line of its own: in a call that is not disturbed, it
  // goes to the worker once and back to the caller once. Two lines, because CPUs fetch in pairs.
  struct alignas(128) Share {
    std::atomic<uint32_t> taken{0};  // epoch for which it was last begun, by whomever
    std::atomic<uint32_t> done{0};   // epoch for which it was last finished
  };
  // What is left of a worker's range in parallel_chunks().
  struct alignas(128) Range {
    std::atomic<size_t> next{0};
    size_t end = 0;
  };

  WorkerPool(int n_threads, std::vector<int> cpus)
      : n_threads_(n_threads),
        cpus_(std::move(cpus)),
        home_(cpus_.empty() ? std::nullopt : CpuMask::of_thread()),
        shares_(static_cast<size_t>(n_threads)),
        ranges_(static_cast<size_t>(n_threads)) {}
  friend class Workers;
  bool run_share(uint32_t epoch, int share) const;
  // REQUIRES: turn_ is held, n_shares > 1.
  void run_erased(Task task, void* context, int n_shares) const;
  void work(int worker);
  void stop();

  const int n_threads_;
  const std::vector<int> cpus_;
  const std::optional<CpuMask> home_;  // CPUs of the thread that created the pool, if it is pinned
  // Taken by whoever calls; written by nobody else until its call is done.
  alignas(128) mutable std::mutex turn_;
  // The call: one line, written by the caller, read by the workers. Task and context are written
  // before epoch_ is raised and valid for whoever takes a share of that epoch, because the caller
  // stays until all shares are done.
  alignas(128) mutable std::atomic<uint32_t> epoch_{0};
  mutable std::atomic<int> n_shares_{0};  // of the latest call
  mutable Task task_ = nullptr;
  mutable void* context_ = nullptr;
  // Workers that sleep on epoch_ because nothing has come for a while, and those on widened_.
  // Workers beyond the shares of the latest call sleep until widened_ counts a call with more
  // shares than the one before: those that a phase does not use must not spin beside it.
  alignas(128) mutable std::atomic<int> n_parked_{0};
  mutable std::atomic<int> n_left_out_{0};
  mutable std::atomic<uint32_t> widened_{0};
  std::atomic<bool> stopping_{false};
  alignas(128) mutable std::vector<Share> shares_;
  mutable std::vector<Range> ranges_;
  std::vector<std::thread> threads_;
};

/// Some workers of a pool: a value that borrows it. A session computes prompts with more of them
/// than single tokens where that is faster.
class Workers {
 public:
  int size() const { return size_; }

  /// fn(worker) on every worker, 0 <= worker < size(); returns when all are done. A worker whose
  /// thread has not begun when the caller is done with its own share is run by the caller. fn must
  /// not throw.
  template <typename Fn>
  void run(Fn&& fn) const {
    if (size_ == 1) {
      fn(0);
      return;
    }
    const std::lock_guard<std::mutex> lock(pool_->turn_);
    run_in_turn(fn);
  }

  /// fn(begin, end, worker) over [0, n) in one contiguous piece per worker, cut at multiples of
  /// grain; workers without a piece are not called.
  template <typename Fn>
  void parallel_for(size_t n, size_t grain, Fn&& fn) const {
    const size_t n_units = (n + grain - 1) / grain;
    const auto n_workers = static_cast<size_t>(size_);
    if (n_units <= 1 || n_workers == 1) {
      if (n > 0) fn(size_t{0}, n, 0);
      return;
    }
    run([&](int worker) {
      const auto w = static_cast<size_t>(worker);
      const size_t begin = n_units * w / n_workers * grain;
      const size_t end = n_units * (w + 1) / n_workers * grain;
      if (begin < end) fn(begin, end < n ? end : n, worker);
    });
  }

  /// fn(begin, end, worker) over [0, n) in chunks. Worker w begins with the chunks of [cut(w),
  /// cut(w + 1)), cut to kChunksPerWorker in multiples of `grain`, in order; then it takes
  /// those that are left of the others' ranges. So memory streams as with parallel_for(), and a
  /// worker that is slow or suspended holds up no more than the chunk it has begun. cut(0) is 0,
  /// cut(size()) is n, and cut does not fall.
  template <typename Cut, typename Fn>
  void parallel_chunks(size_t n, size_t grain, Cut&& cut, Fn&& fn) const {
    if (n == 0) return;
    if (size_ == 1 || n <= grain) {
      fn(size_t{0}, n, 0);
      return;
    }
    const auto n_workers = static_cast<size_t>(size_);
    const size_t chunk = std::max<size_t>(1, n / (n_workers * kChunksPerWorker) / grain) * grain;
    const std::lock_guard<std::mutex> lock(pool_->turn_);
    std::vector<WorkerPool::Range>& ranges = pool_->ranges_;
    for (size_t w = 0; w < n_workers; ++w) {
      ranges[w].next.store(cut(w), std::memory_order_relaxed);
      ranges[w].end = cut(w + 1);
    }
    run_in_turn([&](int worker) {
      for (size_t i = 0; i < n_workers; ++i) {
        // Its own first, then those that follow it.
        WorkerPool::Range& range = ranges[(static_cast<size_t>(worker) + i) % n_workers];
        // Looked at before it is written to: a range that is used up stays where it is.
        while (range.next.load(std::memory_order_relaxed) < range.end) {
          const size_t begin = range.next.fetch_add(chunk, std::memory_order_relaxed);
          if (begin >= range.end) break;
          fn(begin, std::min(begin + chunk, range.end), worker);
        }
      }
    });
  }

  /// The same with ranges of equal length.
  template <typename Fn>
  void parallel_chunks(size_t n, size_t grain, Fn&& fn) const {
    const auto n_workers = static_cast<size_t>(size_);
    parallel_chunks(
        n, grain, [&](size_t worker) { return n * worker / n_workers; }, fn);
  }

 private:
  friend class WorkerPool;
  Workers(const WorkerPool& pool, int size) : pool_(&pool), size_(size) {}

  // A suspended worker holds up an eighth of its share; shorter chunks begin their streams of
  // memory more often than that is worth.
  static constexpr size_t kChunksPerWorker = 8;

  template <typename Fn>
  void run_in_turn(Fn&& fn) const {
    using Plain = std::remove_reference_t<Fn>;
    pool_->run_erased([](void* context, int worker) { (*static_cast<Plain*>(context))(worker); },
                      const_cast<void*>(static_cast<const void*>(&fn)), size_);
  }

  const WorkerPool* pool_;
  int size_;
};

template <typename Fn>
void WorkerPool::run(Fn&& fn) const {
  all().run(fn);
}

template <typename Fn>
void WorkerPool::parallel_for(size_t n, size_t grain, Fn&& fn) const {
  all().parallel_for(n, grain, fn);
}

}  // namespace tern
