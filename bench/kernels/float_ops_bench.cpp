// The float entries on vectors as long as those of real models, warm: the engine has just written
// them or keeps them in a cache.
#include <initializer_list>

#include "bench/kernels/entry_benches.h"
#include "bench/support/buffers.h"
#include "bench/support/counters.h"
#include "kernels/dense_layout.h"

namespace tern::bench {
namespace {

using kernels::KernelTable;

constexpr size_t kHeadDim = 128;  // of one attention head
using kernels::kAttentionBlock;
constexpr std::initializer_list<size_t> kHead = {kHeadDim};
constexpr std::initializer_list<size_t> kBlock = {kAttentionBlock};
// n_embd of bitnet-large, bitnet-2b4t, llama3-8b.
constexpr std::initializer_list<size_t> kEmbd = {1536, 2560, 4096};
// n_ff of the same.
constexpr std::initializer_list<size_t> kFf = {4096, 6912, 14336};
constexpr std::initializer_list<size_t> kEmbdAndFf = {1536, 2560, 4096, 6912, 14336};
constexpr std::initializer_list<size_t> kHeadAndEmbd = {kHeadDim, 1536, 2560, 4096};

// Inputs and outputs of any of the operations.
struct Vectors {
  explicit Vectors(size_t size)
      : n(size),
        a(size),
        b(size),
        out(size),
        half(size),
        half_out(size),
        q(size),
        scales(size),
        sums(size),
        cosines(size),
        sines(size) {
    Random random;
    for (float& v : a) v = random.next_float();
    for (float& v : b) v = random.next_float();
    for (float& c : cosines) c = 0.6f;
    for (float& s : sines) s = 0.8f;
    for (uint16_t& h : half) h = static_cast<uint16_t>(0x3000 + random.next() % 0x0c00);
  }
  size_t n;
  Buffer<float> a, b, out;
  Buffer<uint16_t> half, half_out;
  Buffer<int8_t> q;
  Buffer<float> scales;
  Buffer<int32_t> sums;
  Buffer<float> cosines, sines;
};

// Per element: bytes read and written, and f32 operations (0: not counted, for conversions and the
// like).
struct Cost {
  size_t bytes, operations;
};

template <typename Op>
void add_sizes(EntryBenches& benches, std::initializer_list<size_t> sizes, Cost cost, Op op) {
  for (const size_t n : sizes) {
    benches.add("n:" + std::to_string(n),
                [n, cost, op](benchmark::State& state, const KernelTable& table) {
                  Vectors v(n);
                  for (auto _ : state) {
                    op(table, v);
                    benchmark::ClobberMemory();
                  }
                  count_giga(state, "GB/s", static_cast<double>(n * cost.bytes));
                  if (cost.operations != 0) {
                    count_giga(state, "GFLOP/s", static_cast<double>(n * cost.operations));
                  }
                });
  }
}

}  // namespace

void bench_dot_f32(EntryBenches& benches) {
  add_sizes(benches, kHeadAndEmbd, {8, 2}, [](const KernelTable& table, Vectors& v) {
    benchmark::DoNotOptimize(table.dot_f32(v.a.data(), v.b.data(), v.n));
  });
}

void bench_dot_f16(EntryBenches& benches) {
  add_sizes(benches, kHeadAndEmbd, {6, 2}, [](const KernelTable& table, Vectors& v) {
    benchmark::DoNotOptimize(table.dot_f16(v.a.data(), v.half.data(), v.n));
  });
}

void bench_dot_bf16(EntryBenches& benches) {
  add_sizes(benches, kHeadAndEmbd, {6, 2}, [](const KernelTable& table, Vectors& v) {
    benchmark::DoNotOptimize(table.dot_bf16(v.a.data(), v.half.data(), v.n));
  });
}

// The accumulator stays finite, and far from denormals, however often the operation runs.
void bench_merge_f32(EntryBenches& benches) {
  add_sizes(benches, kHead, {12, 3}, [](const KernelTable& table, Vectors& v) {
    table.merge_f32(v.out.data(), 0.5f, v.b.data(), 0.5f, v.n);
  });
}

void bench_rms_norm(EntryBenches& benches) {
  add_sizes(benches, kEmbdAndFf, {12, 4}, [](const KernelTable& table, Vectors& v) {
    table.rms_norm(v.a.data(), v.b.data(), v.out.data(), v.n, 1e-5f);
  });
}

void bench_quantize_i8(EntryBenches& benches) {
  for (const size_t group : {size_t{0}, size_t{128}}) {
    for (const size_t n : kEmbdAndFf) {
      benches.add(
          "n:" + std::to_string(n) + (group == 0 ? "/token" : "/group:" + std::to_string(group)),
          [n, group](benchmark::State& state, const KernelTable& table) {
            Vectors v(n);
            for (auto _ : state) {
              table.quantize_i8(v.a.data(), n, n, group == 0 ? n : group, v.q.data(),
                                v.scales.data(), v.sums.data());
              benchmark::ClobberMemory();
            }
            count_giga(state, "GB/s", static_cast<double>(n * 5));
          });
    }
  }
}

// What requantising a head to Q8_0 at load costs, beside converting its rows to f32.
void bench_quantize_q8_0(EntryBenches& benches) {
  for (const size_t n : kEmbd) {
    benches.add("n:" + std::to_string(n), [n](benchmark::State& state, const KernelTable& table) {
      const Vectors v(n);
      Buffer<uint8_t> blocks(n / kernels::kQ8Elems * kernels::kQ8Bytes);
      for (auto _ : state) {
        benchmark::DoNotOptimize(table.quantize_q8_0(v.a.data(), blocks.data(), n));
        benchmark::ClobberMemory();
      }
      count_giga(state, "GB/s", static_cast<double>(n * sizeof(float) + blocks.size()));
      count_giga(state, "Gweight/s", static_cast<double>(n));
    });
  }
}

// In place: with 1 as the largest element, repeated exponentials tend to 1.
void bench_exp_sum(EntryBenches& benches) {
  add_sizes(benches, kBlock, {8, 0}, [](const KernelTable& table, Vectors& v) {
    benchmark::DoNotOptimize(table.exp_sum(v.a.data(), v.n, 1.0f));
  });
}

void bench_silu_mul(EntryBenches& benches) {
  add_sizes(benches, kFf, {12, 0}, [](const KernelTable& table, Vectors& v) {
    table.silu_mul(v.a.data(), v.b.data(), v.out.data(), v.n);
  });
}

void bench_relu2_mul(EntryBenches& benches) {
  add_sizes(benches, kFf, {12, 2}, [](const KernelTable& table, Vectors& v) {
    table.relu2_mul(v.a.data(), v.b.data(), v.out.data(), v.n);
  });
}

void bench_add_f32(EntryBenches& benches) {
  add_sizes(benches, kEmbd, {12, 1}, [](const KernelTable& table, Vectors& v) {
    table.add_f32(v.out.data(), v.b.data(), v.n);
  });
}

void bench_scale_f32(EntryBenches& benches) {
  add_sizes(benches, kHead, {8, 1},
            [](const KernelTable& table, Vectors& v) { table.scale_f32(v.a.data(), 1.0f, v.n); });
}

// Rotations keep lengths: the head stays finite however often it turns.
void bench_rope(EntryBenches& benches, kernels::RopeFn KernelTable::*entry) {
  add_sizes(benches, kHead, {12, 3}, [entry](const KernelTable& table, Vectors& v) {
    (table.*entry)(v.a.data(), v.cosines.data(), v.sines.data(), v.n / 2);
  });
}

void bench_rope_half_split(EntryBenches& benches) {
  bench_rope(benches, &KernelTable::rope_half_split);
}

void bench_rope_adjacent(EntryBenches& benches) {
  bench_rope(benches, &KernelTable::rope_adjacent);
}

void bench_f32_to_f16(EntryBenches& benches) {
  add_sizes(benches, kHeadAndEmbd, {6, 0}, [](const KernelTable& table, Vectors& v) {
    table.f32_to_f16(v.a.data(), v.half_out.data(), v.n);
  });
}

void bench_f16_to_f32(EntryBenches& benches) {
  add_sizes(benches, kHeadAndEmbd, {6, 0}, [](const KernelTable& table, Vectors& v) {
    table.f16_to_f32(v.half.data(), v.out.data(), v.n);
  });
}

}  // namespace tern::bench
