// The ternary product on matrices of real models, over T2, T5 and L2 tiles: from memory and warm
// for one token, warm for several. A limit of the machine, found with the same kernel set, takes
// turns with every call: a plain read of memory, or int8 multiply-adds with operands in registers.
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "bench/kernels/entry_benches.h"
#include "bench/support/buffers.h"
#include "bench/support/counters.h"
#include "bench/support/samples.h"
#include "tern/cpu.h"

namespace tern::bench {
namespace {

using kernels::kLineBytes;
using kernels::kLineK;
using kernels::kTileRows;
using kernels::TernaryProduct;
using kernels::TernaryProductFn;

struct Shape {
  const char* name;
  size_t n_rows, k;
  size_t group;  // elements per scale along k; 0: one scale for the matrix
};
constexpr Shape kShapes[] = {
    {"bitnet-2b4t.attn_q", 2560, 2560, 0},    {"bitnet-2b4t.attn_k", 640, 2560, 0},
    {"bitnet-2b4t.ffn_gate", 6912, 2560, 0},  {"bitnet-2b4t.ffn_down", 2560, 6912, 0},
    {"bitnet-large.attn_q", 1536, 1536, 0},   {"bitnet-large.ffn_gate", 4096, 1536, 0},
    {"bitnet-large.ffn_down", 1536, 4096, 0}, {"llama3-8b.attn_q", 4096, 4096, 0},
    {"llama3-8b.attn_k", 1024, 4096, 0},      {"llama3-8b.ffn_gate", 14336, 4096, 0},
    {"llama3-8b.ffn_down", 4096, 14336, 0},   {"bonsai-8b.attn_q", 4096, 4096, 128},
    {"bonsai-8b.ffn_gate", 12288, 4096, 128}, {"bonsai-8b.ffn_down", 4096, 12288, 128},
};
constexpr size_t kTokenCounts[] = {2, 4, 8, 128};

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

enum class Layout { kT2, kT5, kL2 };

size_t matrix_bytes(const Shape& shape, Layout layout) {
  const size_t n_lines = ceil_div(shape.k, kLineK);
  return ceil_div(shape.n_rows, kTileRows) *
         (layout == Layout::kT5 ? kernels::t5_tile_lines(n_lines) : n_lines) * kLineBytes;
}

// A byte of random codes.
uint8_t random_byte(Layout layout, uint32_t r) {
  if (layout == Layout::kT2) {
    return static_cast<uint8_t>(r % 3 | r / 3 % 3 << 2 | r / 9 % 3 << 4 | r / 27 % 3 << 6);
  }
  if (layout == Layout::kL2) return static_cast<uint8_t>(r % 9 | r / 9 % 9 << 4);
  const int value = static_cast<int>(r % 243) - 121;
  return static_cast<uint8_t>(static_cast<int8_t>(std::lround(value * 256.0 / 243.0)));
}

// As many copies of a matrix as memory benchmarks need so that none is still in a cache when its
// turn comes again.
size_t copies_beyond_caches(size_t matrix_bytes) {
  constexpr uint64_t kUnknownCacheBytes = uint64_t{64} << 20;
  const uint64_t cache = cpu_topology().last_level_cache_bytes;
  return ceil_div(6 * (cache == 0 ? kUnknownCacheBytes : cache), matrix_bytes) + 1;
}

class Problem {
 public:
  Problem(const Shape& shape, Layout layout, size_t n_tokens, size_t n_copies)
      : n_copies_(n_copies),
        n_lines_(ceil_div(shape.k, kLineK)),
        n_tiles_(ceil_div(shape.n_rows, kTileRows)),
        group_lines_(shape.group == 0 ? n_lines_ : shape.group / kLineK),
        n_groups_(ceil_div(n_lines_, group_lines_)),
        x_stride_(ceil_div(shape.k, 64) * 64),
        matrix_bytes_(matrix_bytes(shape, layout)),
        n_scales_(shape.group == 0 ? kTileRows : n_tiles_ * n_groups_ * kTileRows),
        tiles_(n_copies * matrix_bytes_),
        w_scales_(n_copies * n_scales_),
        x_(n_tokens * x_stride_),
        x_sums_(n_tokens * n_groups_),
        x_scales_(n_tokens * n_groups_),
        y_(n_tokens * shape.n_rows),
        scratch_(kernels::scratch_bytes(n_tokens, n_lines_, n_groups_)) {
    Random random;
    for (size_t i = 0; i < matrix_bytes_; ++i) tiles_[i] = random_byte(layout, random.next());
    for (size_t copy = 1; copy < n_copies; ++copy) {
      std::memcpy(tiles_.data() + copy * matrix_bytes_, tiles_.data(), matrix_bytes_);
    }
    for (float& scale : w_scales_) scale = 0.5f + random.next_float() * 0.25f;
    for (size_t t = 0; t < n_tokens; ++t) {
      for (size_t i = 0; i < shape.k; ++i) {
        x_[t * x_stride_ + i] = static_cast<int8_t>(random.next());
        x_sums_[t * n_groups_ + i / (group_lines_ * kLineK)] += x_[t * x_stride_ + i];
      }
    }
    for (float& scale : x_scales_) scale = 0.01f;
    product_ = {};
    product_.n_rows = shape.n_rows;
    product_.n_lines = n_lines_;
    product_.group_lines = group_lines_;
    product_.n_groups = n_groups_;
    product_.w_tile_stride = shape.group == 0 ? 0 : n_groups_ * kTileRows;
    product_.w_group_stride = shape.group == 0 ? 0 : kTileRows;
    product_.n_tokens = n_tokens;
    product_.x = x_.data();
    product_.x_stride = x_stride_;
    product_.x_sums = x_sums_.data();
    product_.x_scales = x_scales_.data();
    product_.y = y_.data();
    product_.y_stride = shape.n_rows;
    product_.scratch = scratch_.data();
  }

  /// The product with the next copy of the matrix.
  const TernaryProduct& next() {
    copy_ = copy_ + 1 < n_copies_ ? copy_ + 1 : 0;
    product_.tiles = tiles_.data() + copy_ * matrix_bytes_;
    product_.w_scales = w_scales_.data() + copy_ * n_scales_;
    return product_;
  }
  /// As many bytes as a matrix has, of the copies, half of them ahead: none is still in a cache.
  const uint8_t* other_tiles() const {
    return tiles_.data() + (copy_ + n_copies_ / 2) % n_copies_ * matrix_bytes_;
  }
  size_t tile_bytes() const { return matrix_bytes_; }
  /// Tiles and scales of one matrix.
  size_t weight_bytes() const { return matrix_bytes_ + n_scales_ * sizeof(float); }

 private:
  size_t n_copies_, n_lines_, n_tiles_, group_lines_, n_groups_, x_stride_, matrix_bytes_,
      n_scales_;
  Buffer<uint8_t> tiles_;
  Buffer<float> w_scales_;
  Buffer<int8_t> x_;
  Buffer<int32_t> x_sums_;
  Buffer<float> x_scales_;
  Buffer<float> y_;
  Buffer<int8_t> scratch_;
  TernaryProduct product_;
  size_t copy_ = 0;
};

// Google Benchmark runs a benchmark several times until it has lasted long enough; what it needs is
// made once. Only one is kept.
Problem& problem_of(const Shape& shape, Layout layout, size_t n_tokens, bool from_memory) {
  struct Key {
    const Shape* shape;
    Layout layout;
    size_t n_tokens;
    bool from_memory;
    bool operator==(const Key&) const = default;
  };
  static std::optional<Key> current;
  static std::unique_ptr<Problem> problem;
  const Key key = {&shape, layout, n_tokens, from_memory};
  if (current != key) {
    problem.reset();
    const size_t bytes = matrix_bytes(shape, layout);
    problem = std::make_unique<Problem>(shape, layout, n_tokens,
                                        from_memory ? copies_beyond_caches(bytes) : 1);
    current = key;
  }
  return *problem;
}

// A plain read of memory, GB/s.
double read_rate(const kernels::KernelTable& table, const Problem& problem) {
  constexpr size_t kStreams = 2;
  const size_t n_bytes = problem.tile_bytes() / (64 * kStreams) * (64 * kStreams);
  const double seconds = seconds_of([&] {
    benchmark::DoNotOptimize(table.read_stream(problem.other_tiles(), n_bytes, kStreams, 2048));
  });
  return static_cast<double>(n_bytes) / seconds / 1e9;
}

// Multiply-adds with operands in registers, GMAC/s.
double peak_rate(const kernels::KernelTable& table) {
  constexpr size_t kSteps = 512;  // a fraction of a millisecond with vectors
  uint8_t codes[kernels::kPeakOperands];
  int8_t x[kernels::kPeakOperands];
  for (size_t i = 0; i < kernels::kPeakOperands; ++i) {
    codes[i] = static_cast<uint8_t>(i % 3);
    x[i] = static_cast<int8_t>(i * 37);
  }
  const double seconds =
      seconds_of([&] { benchmark::DoNotOptimize(table.dot_i8_peak(codes, x, kSteps)); });
  return static_cast<double>(kSteps * kernels::kPeakMacs) / seconds / 1e9;
}

void run(benchmark::State& state, const kernels::KernelTable& table, TernaryProductFn product,
         const Shape& shape, Layout layout, size_t n_tokens, bool from_memory) {
  Problem& problem = problem_of(shape, layout, n_tokens, from_memory);
  const auto n_bytes = static_cast<double>(problem.weight_bytes());
  const auto n_macs = static_cast<double>(shape.n_rows * shape.k * n_tokens);
  std::vector<double> byte_rates, mac_rates, limits, shares;
  for (auto _ : state) {
    limits.push_back(from_memory ? read_rate(table, problem) : peak_rate(table));
    const TernaryProduct& next = problem.next();
    const double seconds = seconds_of([&] {
      product(next);
      benchmark::ClobberMemory();
    });
    state.SetIterationTime(seconds);
    byte_rates.push_back(n_bytes / seconds / 1e9);
    mac_rates.push_back(n_macs / seconds / 1e9);
    shares.push_back((from_memory ? byte_rates : mac_rates).back() / limits.back());
  }
  state.counters["GB/s"] = median(byte_rates);
  state.counters["GMAC/s"] = median(mac_rates);
  state.counters[from_memory ? "read GB/s" : "peak GMAC/s"] = median(limits);
  state.counters["share"] = median(shares);
}

std::string describe(const Shape& shape) {
  return std::string(shape.name) + ":" + std::to_string(shape.n_rows) + "x" +
         std::to_string(shape.k) +
         (shape.group == 0 ? "" : "/group:" + std::to_string(shape.group));
}

using Entry = TernaryProductFn kernels::KernelTable::*;

void add_gemv(EntryBenches& benches, Entry entry, Layout layout) {
  for (const Shape& shape : kShapes) {
    for (const bool from_memory : {true, false}) {
      benches
          .add(describe(shape) + (from_memory ? "/memory" : "/warm"),
               [&shape, entry, layout, from_memory](benchmark::State& state, const auto& table) {
                 run(state, table, table.*entry, shape, layout, 1, from_memory);
               })
          ->UseManualTime();
    }
  }
}

void add_gemm(EntryBenches& benches, Entry entry, Layout layout) {
  for (const Shape& shape : kShapes) {
    for (const size_t n_tokens : kTokenCounts) {
      benches
          .add(describe(shape) + "/warm/tokens:" + std::to_string(n_tokens),
               [&shape, entry, layout, n_tokens](benchmark::State& state, const auto& table) {
                 run(state, table, table.*entry, shape, layout, n_tokens, false);
               })
          ->UseManualTime();
    }
  }
}

}  // namespace

void bench_ternary_gemv_t2(EntryBenches& benches) {
  add_gemv(benches, &kernels::KernelTable::ternary_gemv_t2, Layout::kT2);
}

void bench_ternary_gemm_t2(EntryBenches& benches) {
  add_gemm(benches, &kernels::KernelTable::ternary_gemm_t2, Layout::kT2);
}

void bench_ternary_gemv_t5(EntryBenches& benches) {
  add_gemv(benches, &kernels::KernelTable::ternary_gemv_t5, Layout::kT5);
}

void bench_ternary_gemm_t5(EntryBenches& benches) {
  add_gemm(benches, &kernels::KernelTable::ternary_gemm_t5, Layout::kT5);
}

void bench_ternary_gemv_l2(EntryBenches& benches) {
  add_gemv(benches, &kernels::KernelTable::ternary_gemv_l2, Layout::kL2);
}

void bench_ternary_gemm_l2(EntryBenches& benches) {
  add_gemm(benches, &kernels::KernelTable::ternary_gemm_l2, Layout::kL2);
}

}  // namespace tern::bench
