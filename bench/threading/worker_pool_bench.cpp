// What a parallel region costs: from the call until all workers are back, with nothing to do in
// between. Right after the last one, when the workers still spin, and after a pause, when they
// sleep. The caller does the shares of threads that have not begun, which with nothing to do is
// often all of them; so there is also the time with every worker held until all have begun.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tern/cpu.h"
#include "threading/topology.h"
#include "threading/worker_pool.h"

namespace tern::bench {
namespace {

constexpr int kPauses = 300;
constexpr int kSpinsBeforeYield = 10000;

void fork_and_join(benchmark::State& state, const Workers& workers) {
  for (auto _ : state) {
    workers.run([](int worker) { benchmark::DoNotOptimize(worker); });
  }
}

void fork_meet_and_join(benchmark::State& state, const Workers& workers) {
  for (auto _ : state) {
    alignas(64) std::atomic<int> n_inside{0};
    workers.run([&](int) {
      ++n_inside;
      // Yields, so that it ends soon where several workers share a core.
      for (int spins = 0; n_inside.load() < workers.size(); ++spins) {
        if (spins > kSpinsBeforeYield) std::this_thread::yield();
      }
    });
  }
}

void fork_and_join_after_pause(benchmark::State& state, const Workers& workers) {
  using Clock = std::chrono::steady_clock;
  for (auto _ : state) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto start = Clock::now();
    workers.run([](int worker) { benchmark::DoNotOptimize(worker); });
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
}

/// 1, 2, 4, ... and the number of cores.
std::vector<int> thread_counts(int n_cores) {
  std::vector<int> counts;
  for (int n = 1; n < n_cores; n *= 2) counts.push_back(n);
  counts.push_back(n_cores);
  return counts;
}

}  // namespace
}  // namespace tern::bench

int main(int argc, char** argv) {
  using namespace tern;
  const int n_cores = cpu_topology().n_physical;
  // Each worker on a core of its own: two that share one take turns of milliseconds.
  const auto pool = WorkerPool::create(n_cores, core_leaders("/sys", usable_cpus("/sys")));
  if (!pool) {
    std::fprintf(stderr, "error: %s\n", pool.error().message.c_str());
    return 1;
  }
  const CpuPin pin = (*pool)->pin_caller();
  for (const int n : bench::thread_counts(n_cores)) {
    const Workers workers = (*pool)->first(n);
    const std::string threads = "/threads:" + std::to_string(n);
    benchmark::RegisterBenchmark(
        ("worker_pool/spinning" + threads).c_str(),
        [workers](benchmark::State& state) { bench::fork_and_join(state, workers); })
        ->UseRealTime();
    benchmark::RegisterBenchmark(
        ("worker_pool/together" + threads).c_str(),
        [workers](benchmark::State& state) { bench::fork_meet_and_join(state, workers); })
        ->UseRealTime();
    benchmark::RegisterBenchmark(
        ("worker_pool/asleep" + threads).c_str(),
        [workers](benchmark::State& state) { bench::fork_and_join_after_pause(state, workers); })
        ->UseManualTime()
        // The time that is measured is a small part of that which passes.
        ->Iterations(bench::kPauses);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
