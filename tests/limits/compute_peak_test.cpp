#include "limits/compute_peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <thread>
#include <vector>

#include "crew_of.h"

namespace tern::limits {
namespace {

TEST(BestStepsPerSecond, GivesAllWorkersTheSameWorkAndMoreOfItUntilWindowsAreLong) {
  const auto pool = make_pool(3);
  constexpr size_t kRounds = 50;
  std::atomic<bool> interrupt{false};
  std::mutex mutex;
  std::vector<size_t> sizes;
  const double rate = best_steps_per_second(
      free_crew(*pool),
      [&](size_t n_steps) {
        const std::lock_guard<std::mutex> lock(mutex);
        sizes.push_back(n_steps);
        if (sizes.size() == 3 * kRounds) interrupt = true;
      },
      1e9, &interrupt);
  EXPECT_GT(rate, 0.0);
  EXPECT_TRUE(std::isfinite(rate));
  ASSERT_EQ(sizes.size(), 3 * kRounds);
  EXPECT_EQ(sizes.front(), 1u);
  EXPECT_GT(sizes.back(), 1u);
  for (size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_EQ(sizes[i], sizes[i / 3 * 3]);
  }
  EXPECT_TRUE(std::is_sorted(sizes.begin(), sizes.end()));
}

// Sleeps bound the rate from above, however fast or busy the machine is.
TEST(BestStepsPerSecond, IsNotMoreThanTheWorkersDid) {
  const auto pool = make_pool(2);
  const double rate = best_steps_per_second(
      free_crew(*pool),
      [](size_t n_steps) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2 * static_cast<int>(n_steps)));
      },
      0.02, nullptr);
  EXPECT_GT(rate, 0.0);
  EXPECT_LE(rate, 2 * 500.0);
}

TEST(BestStepsPerSecond, MeasuresOnceHoweverShortTheTime) {
  const auto pool = make_pool(1);
  int n_calls = 0;
  EXPECT_GT(best_steps_per_second(
                free_crew(*pool), [&](size_t) { ++n_calls; }, 0.0, nullptr),
            0.0);
  EXPECT_EQ(n_calls, 1);
}

TEST(BestStepsPerSecond, DoesNothingOnceInterrupted) {
  const auto pool = make_pool(2);
  const std::atomic<bool> interrupt{true};
  std::atomic<int> n_calls{0};
  EXPECT_EQ(best_steps_per_second(
                free_crew(*pool), [&](size_t) { ++n_calls; }, 1e9, &interrupt),
            0.0);
  EXPECT_EQ(n_calls.load(), 0);
}

// What the stand-in was asked for; kernels have no context of their own.
size_t largest_call = 0;
std::atomic<bool> fma_done{false};

uint64_t fake_fma(size_t n_steps) noexcept {
  largest_call = std::max(largest_call, n_steps);
  if (n_steps >= kernels::kMaxPeakSteps) fma_done = true;
  return 0;
}

TEST(MeasureFma, CallsTheKernelWithinItsBounds) {
  const auto pool = make_pool(1);
  largest_call = 0;
  fma_done = false;
  // A kernel that takes no time is asked for more and more, until one call may not have it all.
  EXPECT_GT(measure_fma(free_crew(*pool), fake_fma, 1e9, &fma_done), 0.0);
  EXPECT_EQ(largest_call, kernels::kMaxPeakSteps);
}

}  // namespace
}  // namespace tern::limits
