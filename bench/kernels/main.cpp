// Every entry of the kernel table, with every kernel set, one thread.
#include <benchmark/benchmark.h>

#include <cstdio>

#include "bench/kernels/entry_benches.h"

int main(int argc, char** argv) {
  using namespace tern;
  struct Row {
    const char* entry;
    void (*add)(bench::EntryBenches& benches);
  };
  constexpr Row kRows[] = {
#define TERN_BENCH_ROW(name, type) {#name, bench::bench_##name},
      TERN_KERNEL_ENTRIES(TERN_BENCH_ROW)
#undef TERN_BENCH_ROW
  };
  size_t n_isas = 0;
  const kernels::Isa* isas = kernels::isas(&n_isas);
  for (const Row& row : kRows) {
    for (size_t i = 0; i < n_isas; ++i) {
      bench::EntryBenches benches(isas[i], row.entry);
      row.add(benches);
      if (benches.count() == 0) {
        std::fprintf(stderr, "error: bench_%s() adds no benchmark\n", row.entry);
        return 1;
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
