#include "limits/compute_peak.h"

#include <algorithm>

#include "limits/interrupt.h"
#include "limits/timed_rounds.h"

namespace tern::limits {
namespace {

// Long against the barrier, shorter than the time slices of schedulers, so that some windows meet
// no other program on a busy machine.
constexpr double kWindowSeconds = 0.002;
constexpr double kShortestSeconds = 1e-8;  // of a coarse clock
// Of one window; no machine comes near, but a clock that stands still must not overflow the count.
constexpr double kMostSteps = 1e18;

}  // namespace

double best_steps_per_second(const Crew& crew, const std::function<void(size_t)>& run,
                             double seconds, const std::atomic<bool>* interrupt) {
  const double deadline = seconds_now() + seconds;
  size_t n_steps = 1;
  double best = 0.0;
  timed_rounds(
      crew,
      [&] {
        if (interrupted(interrupt)) return false;
        return best == 0.0 || seconds_now() < deadline;
      },
      [&](int) { run(n_steps); },
      [&](double elapsed) {
        best = std::max(best, static_cast<double>(n_steps) / std::max(elapsed, kShortestSeconds));
        // The first windows are short and mostly barrier. They show a rate that is too low, never
        // one that is too high, so the windows grow to what they should be within a few rounds.
        n_steps =
            std::max(n_steps, static_cast<size_t>(std::min(best * kWindowSeconds, kMostSteps)));
      });
  return best * crew.size();
}

double measure_dot(const Crew& crew, kernels::DotPeakFn dot, double seconds,
                   const std::atomic<bool>* interrupt) {
  uint8_t codes[kernels::kPeakOperands];
  int8_t x[kernels::kPeakOperands];
  for (size_t i = 0; i < kernels::kPeakOperands; ++i) {
    codes[i] = static_cast<uint8_t>(i % 3);
    x[i] = static_cast<int8_t>(i * 37);
  }
  const double steps = best_steps_per_second(
      crew, [&](size_t n_steps) { dot(codes, x, n_steps); }, seconds, interrupt);
  return steps * static_cast<double>(kernels::kPeakMacs);
}

double measure_fma(const Crew& crew, kernels::FmaPeakFn fma, double seconds,
                   const std::atomic<bool>* interrupt) {
  const auto run = [&](size_t n_steps) {
    for (size_t done = 0; done < n_steps; done += kernels::kMaxPeakSteps) {
      fma(std::min(n_steps - done, kernels::kMaxPeakSteps));
    }
  };
  return best_steps_per_second(crew, run, seconds, interrupt) *
         static_cast<double>(2 * kernels::kPeakMacs);
}

}  // namespace tern::limits
