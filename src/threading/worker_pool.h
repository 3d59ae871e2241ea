// The pool of worker threads, owned by the engine. Work is split statically, so that which worker
// computes what depends on nothing but the sizes; results never do. The calling thread is worker 0.
// A call from another thread waits its turn; a call from inside a worker is a bug.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "tern/error.h"

namespace tern {

class Workers;

class WorkerPool {
 public:
  /// Starts n_threads - 1 threads. kInternal with the system's reason when one cannot be started.
  static Result<std::unique_ptr<WorkerPool>> create(int n_threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int size() const { return n_threads_; }

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

  // Epoch for which a share was last taken; on a cache line of its own.
  struct alignas(64) Share {
    std::atomic<uint32_t> taken{0};
  };

  explicit WorkerPool(int n_threads)
      : n_threads_(n_threads), shares_(static_cast<size_t>(n_threads)) {}
  friend class Workers;
  bool run_share(uint32_t epoch, int share) const;
  void run_erased(Task task, void* context, int n_shares) const;
  void work(int worker);
  void stop();

  const int n_threads_;
  mutable std::mutex turn_;
  // Written by the caller before epoch_ is raised; valid for whoever takes a share of that epoch,
  // because the caller stays until all shares are done.
  mutable Task task_ = nullptr;
  mutable void* context_ = nullptr;
  std::atomic<bool> stopping_{false};
  alignas(64) mutable std::atomic<uint32_t> epoch_{0};
  // Shares of the latest call. Workers beyond it sleep until widened_ counts a call with more
  // shares than the one before: those that a phase does not use must not spin beside it.
  mutable std::atomic<int> n_shares_{0};
  mutable std::atomic<uint32_t> widened_{0};
  alignas(64) mutable std::atomic<int> unfinished_{0};
  mutable std::vector<Share> shares_;
  std::vector<std::thread> threads_;
};

/// Some workers of a pool: a value that borrows it. A session computes prompts with more of them
/// than single tokens where that is faster.
class Workers {
 public:
  int size() const { return size_; }

  /// fn(worker) on every worker, 0 <= worker < size(); returns when all are done. fn must not
  /// throw.
  template <typename Fn>
  void run(Fn&& fn) const {
    using Plain = std::remove_reference_t<Fn>;
    pool_->run_erased([](void* context, int worker) { (*static_cast<Plain*>(context))(worker); },
                      const_cast<void*>(static_cast<const void*>(&fn)), size_);
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

 private:
  friend class WorkerPool;
  Workers(const WorkerPool& pool, int size) : pool_(&pool), size_(size) {}

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
