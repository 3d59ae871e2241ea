// The ternary product of every kernel set on shapes of real models, one thread. Counters: GB/s of
// weights read, GMAC/s of products.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "kernels/cpu_features.h"
#include "kernels/dispatch.h"

namespace tern::kernels {
namespace {

struct Shape {
  const char* name;
  size_t n_rows, k;
};
constexpr Shape kShapes[] = {
    {"bitnet-2b4t.ffn_down", 2560, 6912},
    {"bitnet-2b4t.ffn_gate", 6912, 2560},
    {"bitnet-2b4t.attn_k", 640, 2560},
    {"bitnet-large.attn_q", 1536, 1536},
};
constexpr size_t kTokenCounts[] = {1, 4, 8, 128};

struct Free {
  void operator()(void* p) const { std::free(p); }
};
template <typename T>
using Buffer = std::unique_ptr<T[], Free>;

template <typename T>
Buffer<T> make_buffer(size_t count) {
  const size_t n_bytes = (count * sizeof(T) + 63) / 64 * 64;
  auto* p = static_cast<T*>(std::aligned_alloc(64, n_bytes));
  std::memset(static_cast<void*>(p), 0, n_bytes);
  return Buffer<T>(p);
}

void run(benchmark::State& state, const Isa* isa, Shape shape, size_t n_tokens) {
  if ((isa->required_features & ~detect_features()) != 0) {
    state.SkipWithError("this CPU cannot run these kernels");
    return;
  }
  const KernelTable table = make_table(*isa);
  const size_t n_tiles = (shape.n_rows + kTileRows - 1) / kTileRows;
  const size_t n_lines = (shape.k + kLineK - 1) / kLineK;
  auto tiles = make_buffer<uint8_t>(n_tiles * n_lines * kLineBytes);
  for (size_t i = 0; i < n_tiles * n_lines * kLineBytes; ++i) {
    const size_t mixed = i * 2654435761u >> 7;
    tiles[i] = static_cast<uint8_t>((mixed % 3) | (mixed / 3 % 3) << 2 | (mixed / 9 % 3) << 4 |
                                    (mixed / 27 % 3) << 6);
  }
  const size_t x_stride = (shape.k + 63) / 64 * 64;
  auto x = make_buffer<int8_t>(n_tokens * x_stride);
  for (size_t i = 0; i < n_tokens * x_stride; ++i) x[i] = static_cast<int8_t>(i * 37);
  auto sums = make_buffer<int32_t>(n_tokens);
  auto x_scales = make_buffer<float>(n_tokens);
  auto w_scales = make_buffer<float>(kTileRows);
  auto y = make_buffer<float>(n_tokens * shape.n_rows);

  TernaryProduct p = {};
  p.tiles = tiles.get();
  p.n_rows = shape.n_rows;
  p.n_lines = n_lines;
  p.group_lines = n_lines;
  p.n_groups = 1;
  p.w_scales = w_scales.get();
  p.n_tokens = n_tokens;
  p.x = x.get();
  p.x_stride = x_stride;
  p.x_sums = sums.get();
  p.x_scales = x_scales.get();
  p.y = y.get();
  p.y_stride = shape.n_rows;
  const TernaryProductFn fn = n_tokens == 1 ? table.ternary_gemv_t2 : table.ternary_gemm_t2;
  for (auto _ : state) {
    fn(p);
    benchmark::ClobberMemory();
  }
  using benchmark::Counter;
  const double weights = static_cast<double>(shape.n_rows * shape.k);
  state.counters["GB/s"] = Counter(weights / 4e9, Counter::kIsIterationInvariantRate);
  state.counters["GMAC/s"] =
      Counter(weights * static_cast<double>(n_tokens) / 1e9, Counter::kIsIterationInvariantRate);
}

}  // namespace
}  // namespace tern::kernels

int main(int argc, char** argv) {
  using namespace tern::kernels;
  size_t n_isas = 0;
  const Isa* isa = isas(&n_isas);
  for (size_t i = 0; i < n_isas; ++i) {
    for (const Shape& shape : kShapes) {
      for (const size_t n_tokens : kTokenCounts) {
        const std::string name =
            std::string(isa[i].name) + "/" + shape.name + "/tokens:" + std::to_string(n_tokens);
        benchmark::RegisterBenchmark(name.c_str(), run, &isa[i], shape, n_tokens);
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
