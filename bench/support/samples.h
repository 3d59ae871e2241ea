// For benchmarks that alternate with a limit of the machine, so that both meet the same caches,
// clock and neighbours. Stateless; any thread.
#pragma once

#include <time.h>

#include <algorithm>
#include <vector>

namespace tern::bench {

/// CPU time of the calling thread: stays right when other programs take turns on its core.
inline double thread_seconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// CPU seconds of fn().
template <typename Fn>
double seconds_of(Fn fn) {
  const double begin = thread_seconds();
  fn();
  return thread_seconds() - begin;
}

/// 0 for none.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0.0 : values[values.size() / 2];
}

}  // namespace tern::bench
