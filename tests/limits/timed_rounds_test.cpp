#include "limits/timed_rounds.h"

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "crew_of.h"

namespace tern::limits {
namespace {

TEST(Crew, RunsEveryWorkerOnAThreadOfItsOwn) {
  for (int n_threads : {1, 2, 5}) {
    const auto pool = make_pool(n_threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::vector<std::thread::id> threads(static_cast<size_t>(n_threads));
      free_crew(*pool).run(
          [&](int worker) { threads[static_cast<size_t>(worker)] = std::this_thread::get_id(); });
      EXPECT_EQ(std::set<std::thread::id>(threads.begin(), threads.end()).size(), threads.size());
    }
  }
}

TEST(Crew, KeepsWorkersOnTheirCpusOnlyWhileItRuns) {
  const auto before = thread_affinity();
  ASSERT_TRUE(before);
  const auto pool = make_pool(2);
  const Crew crew(pool->all(), {before->front(), before->back()});
  std::vector<std::vector<int>> inside(2), after(2);
  crew.run([&](int worker) { inside[static_cast<size_t>(worker)] = *thread_affinity(); });
  free_crew(*pool).run(
      [&](int worker) { after[static_cast<size_t>(worker)] = *thread_affinity(); });
  EXPECT_EQ(inside[0], std::vector<int>{before->front()});
  EXPECT_EQ(inside[1], std::vector<int>{before->back()});
  EXPECT_EQ(after[0], *before);
  EXPECT_EQ(after[1], *before);
}

TEST(TimedRounds, EveryWorkerWorksOncePerRoundBetweenPrepareAndFinish) {
  for (int n_threads : {1, 2, 4}) {
    const auto pool = make_pool(n_threads);
    constexpr int kRounds = 300;
    int n_prepared = 0;
    int n_finished = 0;
    bool in_order = true;
    std::atomic<int> n_worked{0};
    std::vector<int> seen(static_cast<size_t>(n_threads), 0);
    timed_rounds(
        free_crew(*pool),
        [&] {
          in_order = in_order && n_worked.load() == n_prepared * n_threads;
          return n_prepared < kRounds && ++n_prepared > 0;
        },
        [&](int worker) {
          // What prepare wrote is seen by every worker.
          seen[static_cast<size_t>(worker)] += n_prepared;
          ++n_worked;
        },
        [&](double seconds) {
          ++n_finished;
          in_order = in_order && seconds >= 0.0 && n_worked.load() == n_prepared * n_threads;
        });
    EXPECT_TRUE(in_order);
    EXPECT_EQ(n_prepared, kRounds);
    EXPECT_EQ(n_finished, kRounds);
    EXPECT_EQ(seen, std::vector<int>(seen.size(), kRounds * (kRounds + 1) / 2));
  }
}

TEST(TimedRounds, ARoundLastsAsLongAsItsSlowestWorker) {
  constexpr std::chrono::milliseconds kNap{20};
  const auto pool = make_pool(3);
  for (int slow = 0; slow < 3; ++slow) {
    int n_rounds = 0;
    double measured = 0.0;
    timed_rounds(
        free_crew(*pool), [&] { return n_rounds++ == 0; },
        [&](int worker) {
          if (worker == slow) std::this_thread::sleep_for(kNap);
        },
        [&](double seconds) { measured = seconds; });
    EXPECT_GE(measured, std::chrono::duration<double>(kNap).count());
  }
}

}  // namespace
}  // namespace tern::limits
