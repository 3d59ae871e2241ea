#include "threading/worker_pool.h"

#include <chrono>
#include <system_error>

#include "base/check.h"
#include "base/result.h"
#include "threading/futex.h"

namespace tern {
namespace {

// How long a worker spins for the next call before it sleeps: longer than the serial stretches
// between two calls of a decode step, short enough not to burn a core between two prompts. Waking
// takes 4 to 40 microseconds, depending on how deeply the core sleeps.
constexpr auto kSpinBeforePark = std::chrono::microseconds(50);
// The caller's wait for the last worker: after this it gives its core away, for machines with more
// threads than cores.
constexpr auto kSpinBeforeYield = std::chrono::microseconds(50);

inline void spin_hint() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Spins until done() or for about `limit`; returns whether done(). The clock is looked at rarely:
// it costs as much as many rounds, and a hint takes from 1 to 140 cycles, depending on the CPU.
template <typename Done>
bool spin_for(std::chrono::nanoseconds limit, Done done) {
  constexpr int kRoundsPerLook = 64;
  for (int i = 0; i < kRoundsPerLook; ++i) {
    if (done()) return true;
    spin_hint();
  }
  const auto deadline = std::chrono::steady_clock::now() + limit;
  do {
    for (int i = 0; i < kRoundsPerLook; ++i) {
      if (done()) return true;
      spin_hint();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return false;
}

thread_local const WorkerPool* current_pool = nullptr;

}  // namespace

Result<std::unique_ptr<WorkerPool>> WorkerPool::create(int n_threads, std::vector<int> cpus) {
  TERN_CHECK(n_threads >= 1);
  TERN_CHECK(cpus.empty() || cpus.size() == static_cast<size_t>(n_threads));
  std::unique_ptr<WorkerPool> pool(new WorkerPool(n_threads, std::move(cpus)));
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
  futex_wake_all(epoch_);
  widened_.fetch_add(1, std::memory_order_release);
  futex_wake_all(widened_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool WorkerPool::run_share(uint32_t epoch, int share_index) const {
  Share& share = shares_[static_cast<size_t>(share_index)];
  // A thread that comes late finds its share taken, in this epoch or a later one. Looked at before
  // it is written to, so that the caller leaves the line to a worker that has begun.
  uint32_t before = epoch - 1;
  if (share.taken.load(std::memory_order_relaxed) != before ||
      !share.taken.compare_exchange_strong(before, epoch, std::memory_order_acquire)) {
    return false;
  }
  task_(context_, share_index);
  share.done.store(epoch, std::memory_order_release);
  return true;
}

void WorkerPool::run_erased(Task task, void* context, int n_shares) const {
  TERN_DCHECK(current_pool != this);
  task_ = task;
  context_ = context;
  const uint32_t epoch = epoch_.load(std::memory_order_relaxed) + 1;
  // Shares that this call does not have count as taken.
  for (int share = n_shares; share < n_threads_; ++share) {
    shares_[static_cast<size_t>(share)].taken.store(epoch, std::memory_order_relaxed);
  }
  const bool wider = n_shares > n_shares_.load(std::memory_order_relaxed);
  n_shares_.store(n_shares, std::memory_order_relaxed);
  // A worker counts itself before it looks at the epoch for the last time; the caller raises the
  // epoch before it looks at the count. In one total order, one of them sees the other.
  epoch_.store(epoch, std::memory_order_seq_cst);
  if (n_parked_.load(std::memory_order_seq_cst) > 0) futex_wake_all(epoch_);
  if (wider) {
    widened_.fetch_add(1, std::memory_order_seq_cst);
    if (n_left_out_.load(std::memory_order_seq_cst) > 0) futex_wake_all(widened_);
  }
  const WorkerPool* outer = current_pool;
  current_pool = this;
  for (int share = 0; share < n_shares; ++share) run_share(epoch, share);
  current_pool = outer;
  for (int share = 0; share < n_shares; ++share) {
    const std::atomic<uint32_t>& done = shares_[static_cast<size_t>(share)].done;
    const auto is_done = [&] { return done.load(std::memory_order_acquire) == epoch; };
    if (spin_for(kSpinBeforeYield, is_done)) continue;
    while (!is_done()) std::this_thread::yield();
  }
}

void WorkerPool::work(int worker) {
  current_pool = this;
  // For good: the thread is the pool's own. One that the system refuses runs where it may.
  if (!cpus_.empty()) CpuMask::of({&cpus_[static_cast<size_t>(worker)], 1}).apply();
  // Sleeps on a number while it is what it was, counted meanwhile (see run_erased).
  const auto sleep = [](const std::atomic<uint32_t>& word, uint32_t seen, std::atomic<int>* count) {
    count->fetch_add(1, std::memory_order_seq_cst);
    while (word.load(std::memory_order_seq_cst) == seen) futex_wait(word, seen);
    count->fetch_sub(1, std::memory_order_relaxed);
  };
  uint32_t seen = 0;
  for (;;) {
    // Read in front of the epoch: the caller raises it behind the epoch, so that whoever sees an
    // old epoch also waits for an old count and is woken.
    const uint32_t widened = widened_.load(std::memory_order_acquire);
    const auto raised = [&] { return epoch_.load(std::memory_order_acquire) != seen; };
    if (!spin_for(kSpinBeforePark, raised)) sleep(epoch_, seen, &n_parked_);
    seen = epoch_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return;
    if (!run_share(seen, worker) && worker >= n_shares_.load(std::memory_order_relaxed)) {
      sleep(widened_, widened, &n_left_out_);
    }
  }
}

}  // namespace tern
