#include "threading/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

namespace tern {
namespace {

std::unique_ptr<WorkerPool> make_pool(int n_threads) {
  auto pool = WorkerPool::create(n_threads);
  EXPECT_TRUE(pool);
  return std::move(pool).value();
}

TEST(WorkerPool, RunsEveryWorkerOnce) {
  for (int n_threads : {1, 2, 3, 8}) {
    const auto pool = make_pool(n_threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> calls(static_cast<size_t>(n_threads));
      pool->run([&](int worker) { ++calls[static_cast<size_t>(worker)]; });
      for (const auto& c : calls) EXPECT_EQ(c.load(), 1);
    }
  }
}

TEST(WorkerPool, FirstWorkersRunAloneInAnyOrderOfCounts) {
  const auto pool = make_pool(4);
  for (int round = 0; round < 500; ++round) {
    const int n = 1 + round * 7 % 4;
    std::vector<std::atomic<int>> calls(4);
    pool->first(n).run([&](int worker) { ++calls[static_cast<size_t>(worker)]; });
    for (int worker = 0; worker < 4; ++worker) {
      EXPECT_EQ(calls[static_cast<size_t>(worker)].load(), worker < n ? 1 : 0)
          << "worker " << worker << " of " << n << " in round " << round;
    }
  }
}

TEST(WorkerPool, CoversTheRangeInPiecesCutAtTheGrain) {
  for (int n_threads : {1, 2, 3, 7}) {
    const auto pool = make_pool(n_threads);
    for (size_t n : {size_t{0}, size_t{1}, size_t{15}, size_t{16}, size_t{17}, size_t{1000}}) {
      for (size_t grain : {size_t{1}, size_t{16}, size_t{64}}) {
        std::vector<int> seen(n, 0);
        std::mutex mutex;
        std::set<size_t> begins;
        pool->parallel_for(n, grain, [&](size_t begin, size_t end, int) {
          for (size_t i = begin; i < end; ++i) ++seen[i];
          const std::lock_guard<std::mutex> lock(mutex);
          begins.insert(begin);
        });
        EXPECT_EQ(std::accumulate(seen.begin(), seen.end(), size_t{0}), n);
        for (int count : seen) EXPECT_EQ(count, 1);
        for (size_t begin : begins) EXPECT_EQ(begin % grain, 0u);
      }
    }
  }
}

TEST(WorkerPool, CallersFromSeveralThreadsTakeTurns) {
  const auto pool = make_pool(3);
  std::atomic<int> total{0};
  std::atomic<int> inside{0};
  std::atomic<bool> overlapped{false};
  const auto caller = [&] {
    for (int i = 0; i < 200; ++i) {
      pool->run([&](int worker) {
        if (worker == 0 && inside.fetch_add(1) != 0) overlapped = true;
        ++total;
        if (worker == 0) --inside;
      });
    }
  };
  std::thread a(caller);
  std::thread b(caller);
  a.join();
  b.join();
  EXPECT_EQ(total.load(), 2 * 200 * 3);
  EXPECT_FALSE(overlapped.load());
}

TEST(WorkerPool, WorkersThatNarrowCallsLeaveOutComeBackForWideOnes) {
  const auto pool = make_pool(4);
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> n_calls{0};
    for (int i = 0; i < 100; ++i) pool->first(2).run([&](int) { ++n_calls; });
    EXPECT_EQ(n_calls.load(), 200);
    // The caller cannot take the other shares: it is held in its own until all have begun.
    std::atomic<int> n_inside{0};
    pool->run([&](int) {
      ++n_inside;
      while (n_inside.load() < 4) std::this_thread::yield();
    });
    EXPECT_EQ(n_inside.load(), 4);
  }
}

TEST(WorkerPool, StopsWhileWorkersAreLeftOut) {
  for (int round = 0; round < 20; ++round) {
    const auto pool = make_pool(4);
    for (int i = 0; i < 20 * round; ++i) pool->first(2).run([](int) {});
  }
}

TEST(WorkerPool, WorkersWakeAfterHavingParked) {
  const auto pool = make_pool(2);
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> calls{0};
    pool->run([&](int) { ++calls; });
    EXPECT_EQ(calls.load(), 2);
  }
}

}  // namespace
}  // namespace tern
