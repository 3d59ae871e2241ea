// The benchmarks of kernel-table entries. Every entry has one function bench_<entry>, defined in a
// *_bench.cpp of this folder, that adds its benchmarks for one kernel set; main() calls it for all
// sets. An entry without such a function does not link, and one that adds nothing ends the program.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <string>

#include "kernels/dispatch.h"

namespace tern::bench {

/// Collects the benchmarks of one entry for one kernel set.
class EntryBenches {
 public:
  using Run = std::function<void(benchmark::State& state, const kernels::KernelTable& table)>;

  EntryBenches(const kernels::Isa& isa, std::string entry) : isa_(isa), entry_(std::move(entry)) {}

  /// Registers "<isa>/<entry>/<what>". Where this CPU cannot run the set, it is skipped with a
  /// message. The benchmark may be set further.
  benchmark::internal::Benchmark* add(const std::string& what, Run run);
  int count() const { return count_; }

 private:
  const kernels::Isa& isa_;
  std::string entry_;
  int count_ = 0;
};

#define TERN_DECLARE_BENCH(name, type) void bench_##name(EntryBenches& benches);
TERN_KERNEL_ENTRIES(TERN_DECLARE_BENCH)
#undef TERN_DECLARE_BENCH

}  // namespace tern::bench
