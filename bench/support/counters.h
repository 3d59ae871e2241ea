// The rates that the programs report beside the time (README.md says what they count).
#pragma once

#include <benchmark/benchmark.h>

namespace tern::bench {

/// amount_per_iteration in units of 1e9, per second, under `name`: "GB/s", "GMAC/s", "GFLOP/s".
inline void count_giga(benchmark::State& state, const char* name, double amount_per_iteration) {
  using benchmark::Counter;
  state.counters[name] =
      Counter(amount_per_iteration / 1e9, Counter::kIsRate | Counter::kIsIterationInvariant);
}

}  // namespace tern::bench
