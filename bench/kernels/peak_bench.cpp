// The entries that measure the machine, one thread.
#include "bench/kernels/entry_benches.h"
#include "bench/support/buffers.h"
#include "bench/support/counters.h"

namespace tern::bench {
namespace {

constexpr size_t kReadBytes = size_t{256} << 20;

// Kept, because the memory of hundreds of megabytes takes longer to get than to read.
const Buffer<uint8_t>& read_buffer() {
  static const Buffer<uint8_t> buffer = [] {
    Buffer<uint8_t> b(kReadBytes);
    for (size_t i = 0; i < b.size(); i += 64) b[i] = static_cast<uint8_t>(i >> 6 | 1);
    return b;
  }();
  return buffer;
}

}  // namespace

void bench_read_stream(EntryBenches& benches) {
  for (const size_t n_streams : {1u, 2u, 4u, 8u}) {
    for (const size_t prefetch_bytes : {0u, 2048u}) {
      benches.add(
          "streams:" + std::to_string(n_streams) + "/prefetch:" + std::to_string(prefetch_bytes),
          [n_streams, prefetch_bytes](benchmark::State& state, const auto& table) {
            const Buffer<uint8_t>& buffer = read_buffer();
            for (auto _ : state) {
              benchmark::DoNotOptimize(
                  table.read_stream(buffer.data(), buffer.size(), n_streams, prefetch_bytes));
            }
            count_giga(state, "GB/s", static_cast<double>(buffer.size()));
          });
    }
  }
}

void bench_dot_i8_peak(EntryBenches& benches) {
  constexpr size_t kSteps = 16;
  benches.add("registers", [](benchmark::State& state, const auto& table) {
    uint8_t codes[kernels::kPeakOperands];
    int8_t x[kernels::kPeakOperands];
    for (size_t i = 0; i < kernels::kPeakOperands; ++i) {
      codes[i] = static_cast<uint8_t>(i % 3);
      x[i] = static_cast<int8_t>(i * 37);
    }
    for (auto _ : state) benchmark::DoNotOptimize(table.dot_i8_peak(codes, x, kSteps));
    count_giga(state, "GMAC/s", static_cast<double>(kSteps * kernels::kPeakMacs));
  });
}

void bench_fma_f32_peak(EntryBenches& benches) {
  constexpr size_t kSteps = 16;
  benches.add("registers", [](benchmark::State& state, const auto& table) {
    for (auto _ : state) benchmark::DoNotOptimize(table.fma_f32_peak(kSteps));
    count_giga(state, "GFLOP/s", static_cast<double>(2 * kSteps * kernels::kPeakMacs));
  });
}

}  // namespace tern::bench
