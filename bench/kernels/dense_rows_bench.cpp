// Dense rows times activations, float or int8, as in a head: from memory with one thread and with
// as many as the engine takes, and from the cache for one token and for several. Where rows come
// from memory, a plain read of the same buffer alternates with the kernel, so that both meet the
// same machine.
#include <algorithm>
#include <string>
#include <vector>

#include "bench/kernels/entry_benches.h"
#include "bench/support/buffers.h"
#include "bench/support/counters.h"
#include "bench/support/samples.h"
#include "kernels/dense_layout.h"
#include "kernels/half.h"
#include "tern/cpu.h"
#include "threading/worker_pool.h"

namespace tern::bench {
namespace {

using kernels::KernelTable;

struct Format {
  size_t block_elems, block_bytes;
  size_t scale_offset;  // of the f16 in a block, or of the upper half of an f32
  bool is_bf16_like;    // that half is the upper one of an f32
  // One of these.
  kernels::DenseProductFn KernelTable::*entry;
  kernels::DenseI8ProductFn KernelTable::*i8_entry = nullptr;
};

constexpr size_t kElems = 2560;  // of a row: n_embd of bitnet-2b4t
constexpr size_t kTokens = 16;   // whose logits are computed together
constexpr size_t kMemoryBytes = size_t{256} << 20;
constexpr size_t kWarmBytes = size_t{256} << 10;
constexpr size_t kPassBytes = size_t{8} << 20;  // that one timing reads, each worker

size_t row_bytes(const Format& format) { return kElems / format.block_elems * format.block_bytes; }

// Rows whose numbers look like those of a model: subnormal floats would be slow.
void fill(const Format& format, Buffer<uint8_t>& rows) {
  Random random;
  std::vector<uint8_t> pattern(format.block_bytes * 2520);
  for (uint8_t& byte : pattern) byte = static_cast<uint8_t>(random.next());
  for (size_t at = format.scale_offset; at < pattern.size(); at += format.block_bytes) {
    const float value = 0.01f * (random.next_float() + 1.5f);
    const uint32_t bits =
        format.is_bf16_like ? kernels::f32_bits(value) >> 16 : kernels::f32_to_f16(value);
    pattern[at] = static_cast<uint8_t>(bits);
    pattern[at + 1] = static_cast<uint8_t>(bits >> 8);
  }
  for (size_t at = 0; at < rows.size(); at += pattern.size()) {
    std::copy_n(pattern.begin(), std::min(pattern.size(), rows.size() - at), rows.data() + at);
  }
}

// The large buffer, filled for one format at a time: sets take turns within an entry.
const Buffer<uint8_t>& memory_rows(const Format& format) {
  static Buffer<uint8_t> rows(kMemoryBytes);
  static const void* filled_for = nullptr;
  if (filled_for != &format) fill(format, rows);
  filled_for = &format;
  return rows;
}

// Of kTokens tokens, in both forms.
struct Activations {
  Activations() : x(kTokens * kElems), codes(x.size()), scales(x.size() / kernels::kDenseActGroup) {
    Random random;
    for (float& v : x) v = random.next_float();
    for (int8_t& code : codes)
      code = static_cast<int8_t>(static_cast<int>(random.next() % 255) - 127);
    for (float& scale : scales) scale = 0.01f * (random.next_float() + 1.5f);
  }
  Buffer<float> x;
  Buffer<int8_t> codes;
  Buffer<float> scales;
};

void multiply(const KernelTable& table, const Format& format, const uint8_t* rows, size_t n_rows,
              const Activations& activations, size_t n_tokens, float* y) {
  if (format.i8_entry != nullptr) {
    kernels::DenseI8Product product = {};
    product.rows = rows;
    product.n_rows = n_rows;
    product.k = kElems;
    product.x = activations.codes.data();
    product.x_stride = kElems;
    product.x_scales = activations.scales.data();
    product.n_tokens = n_tokens;
    product.y = y;
    product.y_stride = n_rows;
    (table.*format.i8_entry)(product);
    return;
  }
  kernels::DenseProduct product = {};
  product.rows = rows;
  product.n_rows = n_rows;
  product.k = kElems;
  product.x = activations.x.data();
  product.x_stride = kElems;
  product.n_tokens = n_tokens;
  product.y = y;
  product.y_stride = n_rows;
  (table.*format.entry)(product);
}

void run_warm(benchmark::State& state, const KernelTable& table, const Format& format,
              size_t n_tokens) {
  Buffer<uint8_t> rows(kWarmBytes);
  fill(format, rows);
  const Activations x;
  const size_t n_rows = kWarmBytes / row_bytes(format);
  Buffer<float> y(n_rows * n_tokens);
  for (auto _ : state) {
    multiply(table, format, rows.data(), n_rows, x, n_tokens, y.data());
    benchmark::ClobberMemory();
  }
  count_giga(state, "GB/s", static_cast<double>(n_rows * row_bytes(format)));
  count_giga(state, "GMAC/s", static_cast<double>(n_rows * kElems * n_tokens));
}

// Each worker has a part of the buffer and goes through it pass by pass; the plain read is half a
// part ahead, so that neither finds in a cache what the other has just read. Times are CPU time of
// the slowest worker.
void run_memory(benchmark::State& state, const KernelTable& table, const Format& format,
                int n_threads) {
  const auto pool = WorkerPool::create(n_threads);
  if (!pool) {
    state.SkipWithError("no threads");
    return;
  }
  const Buffer<uint8_t>& buffer = memory_rows(format);
  const Activations x;
  const auto n_workers = static_cast<size_t>(n_threads);
  const size_t part_rows = buffer.size() / row_bytes(format) / n_workers;
  const size_t pass_rows = std::min(part_rows, kPassBytes / row_bytes(format));
  const size_t read_bytes = pass_rows * row_bytes(format) / 512 * 512;
  std::vector<Buffer<float>> y;
  for (size_t i = 0; i < n_workers; ++i) y.emplace_back(pass_rows);
  const auto seconds_of = [&](auto fn) {
    std::vector<double> seconds(n_workers);
    (*pool)->run([&](int worker) {
      const auto index = static_cast<size_t>(worker);
      seconds[index] = bench::seconds_of([&] { fn(index); });
    });
    return *std::max_element(seconds.begin(), seconds.end());
  };
  std::vector<double> rates, read_rates, shares;
  size_t first_row = 0;
  for (auto _ : state) {
    const size_t ahead = (first_row + part_rows / 2) % (part_rows - pass_rows + 1);
    const double read_seconds = seconds_of([&](size_t worker) {
      const uint8_t* p = buffer.data() + (worker * part_rows + ahead) * row_bytes(format) / 64 * 64;
      benchmark::DoNotOptimize(table.read_stream(p, read_bytes, 4, 2048));
    });
    const double seconds = seconds_of([&](size_t worker) {
      const uint8_t* p = buffer.data() + (worker * part_rows + first_row) * row_bytes(format);
      multiply(table, format, p, pass_rows, x, 1, y[worker].data());
    });
    state.SetIterationTime(seconds);
    const auto all = static_cast<double>(n_workers);
    rates.push_back(all * static_cast<double>(pass_rows * row_bytes(format)) / seconds / 1e9);
    read_rates.push_back(all * static_cast<double>(read_bytes) / read_seconds / 1e9);
    shares.push_back(rates.back() / read_rates.back());
    first_row = (first_row + pass_rows) % (part_rows - pass_rows + 1);
  }
  const double weights_per_byte =
      static_cast<double>(format.block_elems) / static_cast<double>(format.block_bytes);
  state.counters["GB/s"] = median(rates);
  state.counters["GMAC/s"] = median(rates) * weights_per_byte;
  state.counters["read GB/s"] = median(read_rates);
  state.counters["share"] = median(shares);
}

void add_dense(EntryBenches& benches, const Format& format) {
  const std::string rows = "rows:" + std::to_string(kElems);
  const int n_default = cpu_topology().n_default_threads;
  for (const int n_threads : {1, n_default}) {
    benches
        .add(rows + "/memory/threads:" + std::to_string(n_threads),
             [&format, n_threads](benchmark::State& state, const KernelTable& table) {
               run_memory(state, table, format, n_threads);
             })
        ->UseManualTime();
    if (n_default == 1) break;
  }
  for (const size_t n_tokens : {size_t{1}, kTokens}) {
    benches.add(rows + "/warm" + (n_tokens == 1 ? "" : "/tokens:" + std::to_string(n_tokens)),
                [&format, n_tokens](benchmark::State& state, const KernelTable& table) {
                  run_warm(state, table, format, n_tokens);
                });
  }
}

constexpr Format kF32 = {1, 4, 2, true, &KernelTable::dense_f32};
constexpr Format kF16 = {1, 2, 0, false, &KernelTable::dense_f16};
constexpr Format kBf16 = {1, 2, 0, true, &KernelTable::dense_bf16};
constexpr Format kQ8 = {kernels::kQ8Elems, kernels::kQ8Bytes, 0, false, &KernelTable::dense_q8_0};
constexpr Format kQ6 = {kernels::kQ6Elems, kernels::kQ6Bytes, kernels::kQ6Scale, false,
                        &KernelTable::dense_q6_k};
constexpr Format kQ4 = {kernels::kQ4Elems, kernels::kQ4Bytes, 0, false, &KernelTable::dense_q4_0};
constexpr Format kQ8I8 = {kernels::kQ8Elems, kernels::kQ8Bytes,          0, false,
                          nullptr,           &KernelTable::dense_q8_0_i8};
constexpr Format kQ6I8 = {kernels::kQ6Elems, kernels::kQ6Bytes,          kernels::kQ6Scale, false,
                          nullptr,           &KernelTable::dense_q6_k_i8};

}  // namespace

void bench_dense_f32(EntryBenches& benches) { add_dense(benches, kF32); }
void bench_dense_f16(EntryBenches& benches) { add_dense(benches, kF16); }
void bench_dense_bf16(EntryBenches& benches) { add_dense(benches, kBf16); }
void bench_dense_q8_0(EntryBenches& benches) { add_dense(benches, kQ8); }
void bench_dense_q6_k(EntryBenches& benches) { add_dense(benches, kQ6); }
void bench_dense_q4_0(EntryBenches& benches) { add_dense(benches, kQ4); }
void bench_dense_q8_0_i8(EntryBenches& benches) { add_dense(benches, kQ8I8); }
void bench_dense_q6_k_i8(EntryBenches& benches) { add_dense(benches, kQ6I8); }

}  // namespace tern::bench
