#include "threading/worker_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
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

// Adds up how often every index of [0, n) came, and the longest chunk.
struct Seen {
  explicit Seen(size_t n) : counts(n) {}
  void add(size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) ++counts[i];
    size_t before = longest.load();
    while (before < end - begin && !longest.compare_exchange_weak(before, end - begin)) {
    }
  }
  std::vector<std::atomic<int>> counts;
  std::atomic<size_t> longest{0};
};

TEST(WorkerPool, ChunksCoverTheRangeOnceWhateverTheCuts) {
  for (int n_threads : {1, 2, 3, 7}) {
    const auto pool = make_pool(n_threads);
    const auto n_workers = static_cast<size_t>(n_threads);
    for (size_t n : {size_t{0}, size_t{1}, size_t{4}, size_t{5}, size_t{100}, size_t{1000}}) {
      for (size_t grain : {size_t{1}, size_t{4}}) {
        // Everything in the last range, in the first, and in equal ones.
        const std::function<size_t(size_t)> cuts[] = {
            [&](size_t worker) { return worker == n_workers ? n : 0; },
            [&](size_t worker) { return worker == 0 ? 0 : n; },
            [&](size_t worker) { return n * worker / n_workers; }};
        for (const auto& cut : cuts) {
          Seen seen(n);
          pool->all().parallel_chunks(n, grain, cut, [&](size_t begin, size_t end, int worker) {
            EXPECT_LT(begin, end);
            EXPECT_LT(worker, n_threads);
            seen.add(begin, end);
          });
          for (const auto& count : seen.counts) EXPECT_EQ(count.load(), 1);
          if (n_threads > 1 && n > grain) {
            EXPECT_LE(seen.longest.load(), std::max(grain, n / n_workers / 8));
          }
        }
      }
    }
  }
}

TEST(WorkerPool, OthersTakeTheChunksOfAWorkerThatIsHeldUp) {
  constexpr size_t kItems = 64;
  constexpr size_t kChunk = 4;  // an eighth of the half of a worker
  const auto pool = make_pool(2);
  for (int round = 0; round < 50; ++round) {
    for (size_t held : {size_t{0}, kItems / 2}) {
      std::atomic<size_t> n_done{0};
      pool->all().parallel_chunks(kItems, 1, [&](size_t begin, size_t end, int) {
        // Whoever begins this chunk does no other until all the rest is done.
        while (begin == held && n_done.load() < kItems - kChunk) std::this_thread::yield();
        n_done += end - begin;
      });
      EXPECT_EQ(n_done.load(), kItems);
    }
  }
}

TEST(WorkerPool, ChunksOfSeveralCallersStayApart) {
  const auto pool = make_pool(3);
  const auto caller = [&](size_t n) {
    for (int i = 0; i < 200; ++i) {
      Seen seen(n);
      pool->all().parallel_chunks(n, 1,
                                  [&](size_t begin, size_t end, int) { seen.add(begin, end); });
      for (const auto& count : seen.counts) EXPECT_EQ(count.load(), 1);
    }
  };
  std::thread a(caller, 100);
  std::thread b(caller, 333);
  a.join();
  b.join();
}

TEST(WorkerPool, PinnedWorkersStayOnTheirCpus) {
  const auto before = thread_affinity();
  ASSERT_TRUE(before);
  // Two workers on one CPU where there is no other.
  const std::vector<int> cpus = {before->front(), before->back()};
  auto pool = WorkerPool::create(2, cpus);
  ASSERT_TRUE(pool);
  {
    const CpuPin pin = (*pool)->pin_caller();
    std::vector<std::optional<std::vector<int>>> seen(2);
    std::atomic<int> n_inside{0};
    (*pool)->run([&](int worker) {
      // Both threads, not the caller twice.
      ++n_inside;
      while (n_inside.load() < 2) std::this_thread::yield();
      seen[static_cast<size_t>(worker)] = thread_affinity();
    });
    EXPECT_EQ(seen[0], std::vector<int>{cpus[0]});
    EXPECT_EQ(seen[1], std::vector<int>{cpus[1]});
  }
  EXPECT_EQ(thread_affinity(), before);
}

TEST(WorkerPool, ACallerThatSomebodyElsePlacedIsLeftAlone) {
  const auto before = thread_affinity();
  ASSERT_TRUE(before);
  if (before->size() < 2) GTEST_SKIP() << "one CPU: there is no other place";
  auto pool = WorkerPool::create(1, {before->front()});
  ASSERT_TRUE(pool);
  const CpuPin placed(before->back());
  {
    const CpuPin pin = (*pool)->pin_caller();
    EXPECT_FALSE(pin.active());
    EXPECT_EQ(thread_affinity(), std::vector<int>{before->back()});
  }
  EXPECT_EQ(thread_affinity(), std::vector<int>{before->back()});
}

}  // namespace
}  // namespace tern
