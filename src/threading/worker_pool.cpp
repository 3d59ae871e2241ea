#include "threading/worker_pool.h"

#include <system_error>

#include "base/check.h"
#include "base/result.h"

namespace tern {
namespace {

// About 20 to 50 microseconds: longer than the serial stretches between two parallel ones of a
// decode step, short enough not to burn a core between two prompts.
constexpr int kSpinsBeforePark = 4000;
// The caller's wait for the last worker: after this many it gives its core away, for machines with
// more threads than cores.
constexpr int kSpinsBeforeYield = 4000;

inline void spin_hint() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

thread_local const WorkerPool* current_pool = nullptr;

}  // namespace

Result<std::unique_ptr<WorkerPool>> WorkerPool::create(int n_threads) {
  TERN_CHECK(n_threads >= 1);
  std::unique_ptr<WorkerPool> pool(new WorkerPool(n_threads));
  try {
    for (int worker = 1; worker < n_threads; ++worker) {
      pool->threads_.emplace_back([p = pool.get(), worker] { p->work(worker); });
    }
  } catch (const std::system_error& failure) {
    const size_t started = pool->threads_.size() + 1;
    pool->stop();
    return with_hint(make_error(ErrorCode::kInternal, "only {} of {} threads could be started: {}",
                                started, n_threads, failure.what()),
                     "use fewer threads (-t)");
  }
  return pool;
}

WorkerPool::~WorkerPool() { stop(); }

Workers WorkerPool::first(int n) const {
  TERN_CHECK(n >= 1 && n <= n_threads_);
  return {*this, n};
}

Workers WorkerPool::all() const { return {*this, n_threads_}; }

void WorkerPool::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  widened_.fetch_add(1, std::memory_order_release);
  widened_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool WorkerPool::run_share(uint32_t epoch, int share) const {
  uint32_t before = epoch - 1;
  // A thread that comes late finds its share taken, in this epoch or a later one.
  if (!shares_[static_cast<size_t>(share)].taken.compare_exchange_strong(
          before, epoch, std::memory_order_acquire)) {
    return false;
  }
  task_(context_, share);
  unfinished_.fetch_sub(1, std::memory_order_release);
  return true;
}

void WorkerPool::run_erased(Task task, void* context, int n_shares) const {
  TERN_DCHECK(current_pool != this);
  if (n_shares == 1) {
    task(context, 0);
    return;
  }
  const std::lock_guard<std::mutex> lock(turn_);
  task_ = task;
  context_ = context;
  unfinished_.store(n_shares, std::memory_order_relaxed);
  const uint32_t epoch = epoch_.load(std::memory_order_relaxed) + 1;
  // Shares that this call does not have count as taken.
  for (int share = n_shares; share < n_threads_; ++share) {
    shares_[static_cast<size_t>(share)].taken.store(epoch, std::memory_order_relaxed);
  }
  const bool wider = n_shares > n_shares_.load(std::memory_order_relaxed);
  n_shares_.store(n_shares, std::memory_order_relaxed);
  epoch_.store(epoch, std::memory_order_release);
  epoch_.notify_all();
  if (wider) {
    widened_.fetch_add(1, std::memory_order_release);
    widened_.notify_all();
  }
  const WorkerPool* outer = current_pool;
  current_pool = this;
  for (int share = 0; share < n_shares; ++share) run_share(epoch, share);
  current_pool = outer;
  for (int spins = 0; unfinished_.load(std::memory_order_acquire) != 0; ++spins) {
    if (spins < kSpinsBeforeYield) {
      spin_hint();
    } else {
      std::this_thread::yield();
    }
  }
}

void WorkerPool::work(int worker) {
  current_pool = this;
  uint32_t seen = 0;
  for (;;) {
    // Read in front of the epoch: the caller raises it behind the epoch, so that whoever sees an
    // old epoch also waits for an old count and is woken.
    const uint32_t widened = widened_.load(std::memory_order_acquire);
    uint32_t epoch = epoch_.load(std::memory_order_acquire);
    for (int spins = 0; epoch == seen; epoch = epoch_.load(std::memory_order_acquire)) {
      if (++spins < kSpinsBeforePark) {
        spin_hint();
      } else {
        epoch_.wait(seen, std::memory_order_acquire);
      }
    }
    seen = epoch;
    if (stopping_.load(std::memory_order_relaxed)) return;
    if (!run_share(epoch, worker) && worker >= n_shares_.load(std::memory_order_relaxed)) {
      widened_.wait(widened, std::memory_order_acquire);
    }
  }
}

}  // namespace tern
