// What loading does with stored tensors, one thread: unpacking each ternary format, repacking its
// codes into tiles, decoding each dense format; and packing and encoding, as conversion does.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/support/buffers.h"
#include "bench/support/counters.h"
#include "tensor/dtype_table.h"
#include "tensor/ternary_weights.h"

namespace tern::bench {
namespace {

using tensor::Format;
using tensor::FormatKind;
using tensor::ScaleScope;
using tensor::TernaryMatrix;

// Rows of bitnet-2b4t's ffn_down, 27 blocks of 256; as many as a worker loads at once.
constexpr size_t kRows = 16, kColumns = 6912;

TernaryMatrix matrix_for(const Format& format) {
  TernaryMatrix matrix;
  matrix.n_rows = kRows;
  matrix.k = kColumns;
  matrix.scope = format.scope;
  matrix.group = format.scale_group;
  Random random;
  matrix.codes.resize(kRows * kColumns);
  const bool binary = format.dtype == tensor::DType::kQ1_0;
  for (uint8_t& code : matrix.codes) {
    code = static_cast<uint8_t>(binary ? random.next() % 2 * 2 : random.next() % 3);
  }
  const size_t per_row = format.scope == ScaleScope::kGroup ? kColumns / format.scale_group : 1;
  matrix.scales.assign(format.scope == ScaleScope::kTensor ? 1 : kRows * per_row, 0.5f);
  return matrix;
}

void count(benchmark::State& state, size_t stored_bytes) {
  count_giga(state, "GB/s", static_cast<double>(stored_bytes));
  count_giga(state, "Gweight/s", static_cast<double>(kRows * kColumns));
}

void unpack(benchmark::State& state, const Format& format) {
  const auto bytes = format.pack(matrix_for(format));
  if (!bytes) {
    state.SkipWithError(bytes.error().message.c_str());
    return;
  }
  const tensor::ByteRange range = tensor::byte_range(format, kColumns, 0, kRows);
  const std::span<const uint8_t> rows(bytes->data() + range.offset, range.n_bytes);
  std::vector<uint8_t> codes(kRows * kColumns);
  std::vector<float> scales(kRows * kColumns / 32);
  for (auto _ : state) {
    const auto fault = format.unpack(rows, kRows, kColumns, 0, {codes.data(), scales.data()});
    if (fault.kind != tensor::UnpackFault::Kind::kNone) {
      state.SkipWithError(tensor::describe(fault).c_str());
      return;
    }
    benchmark::ClobberMemory();
  }
  count(state, rows.size());
}

void pack(benchmark::State& state, const Format& format) {
  const TernaryMatrix matrix = matrix_for(format);
  size_t n_bytes = 0;
  for (auto _ : state) {
    const auto bytes = format.pack(matrix);
    if (!bytes) {
      state.SkipWithError(bytes.error().message.c_str());
      return;
    }
    n_bytes = bytes->size();
    benchmark::DoNotOptimize(bytes->data());
  }
  count(state, n_bytes);
}

void repack(benchmark::State& state, const tensor::LayoutRow& layout) {
  Random random;
  std::vector<uint8_t> codes(kRows * kColumns);
  for (uint8_t& code : codes) code = static_cast<uint8_t>(random.next() % 3);
  Buffer<uint8_t> lines(layout.tile_lines(kColumns) * kernels::kLineBytes);
  for (auto _ : state) {
    layout.pack_tile(codes.data(), kRows, kColumns, lines.data());
    benchmark::ClobberMemory();
  }
  count(state, lines.size());
}

std::vector<float> random_floats() {
  Random random;
  std::vector<float> values(kRows * kColumns);
  for (float& value : values) value = random.next_float();
  return values;
}

void dequantize(benchmark::State& state, const Format& format) {
  const size_t n_blocks = kRows * kColumns / format.block_elems;
  std::vector<uint8_t> blocks(n_blocks * format.block_bytes);
  std::vector<float> values = random_floats();
  format.quantize(values.data(), blocks.data(), n_blocks);
  for (auto _ : state) {
    format.dequantize(blocks.data(), values.data(), n_blocks);
    benchmark::ClobberMemory();
  }
  count(state, blocks.size());
}

void quantize(benchmark::State& state, const Format& format) {
  const size_t n_blocks = kRows * kColumns / format.block_elems;
  std::vector<uint8_t> blocks(n_blocks * format.block_bytes);
  const std::vector<float> values = random_floats();
  for (auto _ : state) {
    format.quantize(values.data(), blocks.data(), n_blocks);
    benchmark::ClobberMemory();
  }
  count(state, blocks.size());
}

void add(const std::string& name, void (*run)(benchmark::State&, const Format&),
         const Format& format) {
  benchmark::RegisterBenchmark((name + format.name).c_str(),
                               [run, &format](benchmark::State& state) { run(state, format); });
}

}  // namespace
}  // namespace tern::bench

int main(int argc, char** argv) {
  using namespace tern;
  for (const tensor::Format& format : tensor::all_formats()) {
    if (format.unpack != nullptr) bench::add("unpack/", bench::unpack, format);
    if (format.pack != nullptr) bench::add("pack/", bench::pack, format);
    if (format.dequantize != nullptr) bench::add("dequantize/", bench::dequantize, format);
    if (format.quantize != nullptr) bench::add("quantize/", bench::quantize, format);
  }
  for (const tensor::LayoutRow& layout : tensor::all_layouts()) {
    benchmark::RegisterBenchmark(
        (std::string("repack/") + layout.name).c_str(),
        [&layout](benchmark::State& state) { bench::repack(state, layout); });
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
