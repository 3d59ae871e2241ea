// Any bytes as the operands of kernels: every set that this CPU can run gives the bits of the
// scalar one, and writes nowhere else.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "kernels/cpu_features.h"
#include "kernels/dense_layout.h"
#include "kernels/dispatch.h"
#include "kernels/half.h"
#include "tensor/ternary_layout.h"
#include "tests/fuzz/input.h"

namespace {

using namespace tern::kernels;
using tern::test::FuzzInput;

constexpr float kUntouched = -12345.0f;

const std::vector<KernelTable>& vector_tables() {
  static const std::vector<KernelTable> tables = [] {
    size_t n_isas = 0;
    const Isa* first = isas(&n_isas);
    std::vector<KernelTable> result;
    for (size_t i = 1; i < n_isas; ++i) {
      if ((first[i].required_features & ~detect_features()) == 0) {
        result.push_back(make_table(first[i]));
      }
    }
    return result;
  }();
  return tables;
}

const KernelTable& scalar_table() {
  static const KernelTable table = make_table(*find_isa("scalar"));
  return table;
}

/// run(table) gives a vector of floats; the same bits from every table, NaN being NaN.
template <typename Run>
void expect_same(Run run) {
  const std::vector<float> expected = run(scalar_table());
  for (const KernelTable& table : vector_tables()) {
    const std::vector<float> actual = run(table);
    for (size_t i = 0; i < expected.size(); ++i) {
      const bool both_nan = std::isnan(expected[i]) && std::isnan(actual[i]);
      if (!both_nan && f32_bits(expected[i]) != f32_bits(actual[i])) std::abort();
    }
  }
}

/// Any finite float of a magnitude that sums of a few thousand products do not overflow.
std::vector<float> moderate_floats(FuzzInput& input, size_t n) {
  std::vector<float> values(n);
  for (float& value : values) {
    int8_t bytes[2];
    input.fill(bytes, sizeof(bytes));
    value = std::ldexp(static_cast<float>(bytes[0]), bytes[1] / 8);
  }
  return values;
}

/// Any bits at all.
std::vector<float> any_floats(FuzzInput& input, size_t n) {
  std::vector<float> values(n);
  input.fill(values.data(), n * sizeof(float));
  return values;
}

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

void ternary(FuzzInput& input) {
  const auto layouts = tern::tensor::all_layouts();
  const tern::tensor::LayoutRow& layout = layouts[input.below(layouts.size())];
  const size_t n_rows = 1 + input.below(70);
  const size_t k = 1 + input.below(256) + 256 * input.below(5);
  const size_t n_tokens = input.below(2) == 0 ? 1 : 1 + input.below(30);
  const size_t n_lines = ceil_div(k, kLineK);
  // Groups of 64, 128 or 256 elements, or one group.
  const size_t choice = input.below(4);
  const size_t group_lines = choice == 0 ? n_lines : size_t{2} << choice;
  const size_t n_groups = ceil_div(n_lines, group_lines);
  const size_t n_tiles = ceil_div(n_rows, kTileRows);
  const size_t x_stride = ceil_div(n_lines * kLineK, 64) * 64;
  const bool one_scale = input.below(2) == 0;

  std::vector<uint8_t> codes(n_rows * k);
  input.fill(codes.data(), codes.size());
  for (uint8_t& code : codes) code %= 3;
  struct alignas(64) Line {
    uint8_t bytes[64];
  };
  const auto tile_lines = static_cast<size_t>(layout.tile_lines(k));
  std::vector<Line> tiles(n_tiles * tile_lines), x(n_tokens * x_stride / 64);
  for (size_t tile = 0; tile < n_tiles; ++tile) {
    const size_t row = tile * kTileRows;
    layout.pack_tile(codes.data() + row * k, n_rows - row < kTileRows ? n_rows - row : kTileRows, k,
                     tiles[tile * tile_lines].bytes);
  }
  auto* values = reinterpret_cast<int8_t*>(x.data());
  std::vector<int32_t> sums(n_tokens * n_groups);
  for (size_t t = 0; t < n_tokens; ++t) {
    input.fill(values + t * x_stride, k);
    for (size_t i = 0; i < k; ++i) {
      int8_t& value = values[t * x_stride + i];
      if (value == -128) value = -127;  // as quantisation makes them
      sums[t * n_groups + i / kLineK / group_lines] += value;
    }
  }
  const std::vector<float> w_scales = moderate_floats(input, n_tiles * n_groups * kTileRows);
  const std::vector<float> x_scales = moderate_floats(input, n_tokens * n_groups);
  std::vector<Line> scratch(ceil_div(scratch_bytes(n_tokens, n_lines, n_groups), 64));

  TernaryProduct p = {};
  p.tiles = tiles.front().bytes;
  p.n_rows = n_rows;
  p.n_lines = n_lines;
  p.group_lines = group_lines;
  p.n_groups = n_groups;
  p.w_scales = w_scales.data();
  p.w_tile_stride = one_scale ? 0 : n_groups * kTileRows;
  p.w_group_stride = one_scale ? 0 : kTileRows;
  p.n_tokens = n_tokens;
  p.x = values;
  p.x_stride = x_stride;
  p.x_sums = sums.data();
  p.x_scales = x_scales.data();
  p.y_stride = n_rows + 1;
  p.scratch = reinterpret_cast<int8_t*>(scratch.data());
  const auto entry = n_tokens == 1 && input.below(2) == 0 ? layout.gemv : layout.gemm;
  expect_same([&](const KernelTable& table) {
    std::vector<float> y(n_tokens * p.y_stride, kUntouched);
    p.y = y.data();
    (table.*entry)(p);
    return y;
  });
}

void dense(FuzzInput& input) {
  // Bytes of a block, elements in it, and where in the block there are floats (step 0: at one
  // place) whose exponent must stay below that of infinity, as the loader sees to it.
  static constexpr struct {
    DenseProductFn KernelTable::*entry;
    size_t bytes, elems, float_at, float_bytes;
  } kFormats[] = {
      {&KernelTable::dense_f32, 4, 1, 0, 4},
      {&KernelTable::dense_f16, 2, 1, 0, 2},
      {&KernelTable::dense_bf16, 2, 1, 0, 2},
      {&KernelTable::dense_q8_0, kQ8Bytes, kQ8Elems, 0, 2},
      {&KernelTable::dense_q4_0, kQ4Bytes, kQ4Elems, 0, 2},
      {&KernelTable::dense_q6_k, kQ6Bytes, kQ6Elems, kQ6Scale, 2},
  };
  const auto& format = kFormats[input.below(std::size(kFormats))];
  const size_t n_rows = input.below(40);
  const size_t n_blocks = 1 + input.below(format.elems == 1 ? 100 : 4);
  const size_t n_tokens = 1 + input.below(7);
  const size_t k = n_blocks * format.elems;
  std::vector<uint8_t> rows(n_rows * n_blocks * format.bytes);
  input.fill(rows.data(), rows.size());
  for (size_t at = format.float_at; at < rows.size(); at += format.bytes) {
    rows[at + format.float_bytes - 1] &= 0xBF;
  }
  const std::vector<float> x = moderate_floats(input, n_tokens * k);
  DenseProduct p = {};
  p.rows = rows.data();
  p.n_rows = n_rows;
  p.k = k;
  p.x = x.data();
  p.x_stride = k;
  p.n_tokens = n_tokens;
  p.y_stride = n_rows + 1;
  expect_same([&](const KernelTable& table) {
    std::vector<float> y(n_tokens * p.y_stride, kUntouched);
    p.y = y.data();
    (table.*format.entry)(p);
    return y;
  });
}

void elementwise(FuzzInput& input) {
  const size_t n = input.below(200);
  const std::vector<float> a = any_floats(input, n), b = any_floats(input, n);
  const float factors[2] = {any_floats(input, 1)[0], any_floats(input, 1)[0]};
  expect_same([&](const KernelTable& table) {
    std::vector<float> all;
    const auto add = [&](const std::vector<float>& more) {
      all.insert(all.end(), more.begin(), more.end());
    };
    std::vector<float> y = a;
    table.merge_f32(y.data(), factors[0], b.data(), factors[1], n);
    add(y);
    y = a;
    table.add_f32(y.data(), b.data(), n);
    add(y);
    table.scale_f32(y.data(), factors[0], n);
    add(y);
    table.silu_mul(a.data(), b.data(), y.data(), n);
    add(y);
    table.relu2_mul(a.data(), b.data(), y.data(), n);
    add(y);
    y = a;
    table.rope_half_split(y.data(), b.data(), b.data() + n / 2, n / 2);
    table.rope_adjacent(y.data(), b.data(), b.data() + n / 2, n / 2);
    add(y);
    std::vector<uint16_t> halves(n);
    table.f32_to_f16(a.data(), halves.data(), n);
    table.f16_to_f32(halves.data(), y.data(), n);
    add(y);
    all.push_back(table.dot_f32(a.data(), b.data(), n));
    return all;
  });
}

void quantisation(FuzzInput& input) {
  const size_t n = 1 + input.below(200);
  const size_t group = input.below(2) == 0 ? n : size_t{16} << input.below(4);
  const std::vector<float> x =
      input.below(2) == 0 ? moderate_floats(input, n) : any_floats(input, n);
  bool finite = true;
  for (const float value : x) finite &= std::isfinite(value);
  expect_same([&](const KernelTable& table) {
    const size_t padded = ceil_div(n, 64) * 64;
    std::vector<int8_t> codes(padded);
    std::vector<float> all(ceil_div(n, group));
    std::vector<int32_t> sums(all.size());
    table.quantize_i8(x.data(), n, padded, group, codes.data(), all.data(), sums.data());
    // Codes of what is not finite mean nothing; that it shows in the scale is what counts.
    if (finite) {
      all.insert(all.end(), codes.begin(), codes.end());
      all.insert(all.end(), sums.begin(), sums.end());
    }
    return all;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static constexpr void (*kFamilies[])(FuzzInput&) = {ternary, dense, elementwise, quantisation};
  FuzzInput input(data, size);
  kFamilies[input.below(std::size(kFamilies))](input);
  return 0;
}
