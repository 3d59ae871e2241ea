#include "model/matmul.h"

#include <algorithm>

#include "base/check.h"

namespace tern::model {
namespace {

using kernels::kTileRows;

constexpr size_t kActivationAlign = 64;  // bytes, as TernaryProduct asks for

// Weights times tokens below which one worker is done before others could help: about a
// microsecond, four times what a fork and join take.
constexpr uint64_t kLeastBytesToFork = 48 << 10;

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

// Scales that are widened for one token at a time: they stay in L1 until they are used.
constexpr size_t kScalesOfOneToken = 4 << 10;

void ternary_tiles(const Product& p, const tensor::TernaryWeights& weights, const MatmulJob& job,
                   size_t tile_begin, size_t tile_end, int worker) {
  const Activations& a = p.activations;
  const QuantizedInput& input = a.quantized;
  const auto w = static_cast<size_t>(worker);
  kernels::TernaryProduct product = {};
  product.n_tokens = p.n_tokens;
  product.x = input.values;
  product.x_stride = input.stride;
  product.x_sums = input.sums;
  product.x_scales = input.scales;
  product.y_stride = job.out_stride;
  product.scratch = a.scratch + w * a.scratch_stride;
  const tensor::LayoutRow& layout = weights.layout();
  const kernels::TernaryProductFn kernel =
      p.engine.table.*(p.n_tokens == 1 ? layout.gemv : layout.gemm);
  size_t step = tile_end - tile_begin;
  if (weights.has_half_scales()) {
    const size_t most = p.n_tokens == 1 ? kScalesOfOneToken : tensor::kWidenedScales;
    // Two tiles at least, as the widest kernels take.
    step = std::max<size_t>(2, most / weights.tile_scales() / 2 * 2);
  }
  for (size_t begin = tile_begin; begin < tile_end; begin += step) {
    const size_t end = std::min(tile_end, begin + step);
    weights.describe(begin, end, p.site.product_group, &product);
    TERN_DCHECK(product.n_groups == input.n_groups);
    if (weights.has_half_scales()) {
      float* scales = a.w_scales + w * tensor::kWidenedScales;
      weights.widen_scales(p.engine.table, begin, end, scales);
      product.w_scales = scales;
    }
    product.y = job.out + begin * kTileRows;
    kernel(product);
  }
}

// The kernel that reads rows of a format as they are stored; null: they are decoded first.
kernels::DenseProductFn dense_kernel(const kernels::KernelTable& table, tensor::DType dtype) {
  switch (dtype) {
    case tensor::DType::kF32:
      return table.dense_f32;
    case tensor::DType::kF16:
      return table.dense_f16;
    case tensor::DType::kBF16:
      return table.dense_bf16;
    case tensor::DType::kQ8_0:
      return table.dense_q8_0;
    case tensor::DType::kQ6_K:
      return table.dense_q6_k;
    case tensor::DType::kQ4_0:
      return table.dense_q4_0;
    default:
      return nullptr;
  }
}

// The same for integer activations; null: there is none.
kernels::DenseI8ProductFn kernels::KernelTable::*integer_entry(tensor::DType dtype) {
  switch (dtype) {
    case tensor::DType::kQ8_0:
      return &kernels::KernelTable::dense_q8_0_i8;
    case tensor::DType::kQ6_K:
      return &kernels::KernelTable::dense_q6_k_i8;
    default:
      return nullptr;
  }
}

void integer_dense_rows(const EngineImpl& engine, const tensor::DenseWeights& weights,
                        const MatmulJob& job, size_t row_begin, size_t row_end, size_t n_tokens,
                        const QuantizedInput& input) {
  TERN_DCHECK(input.n_groups == weights.k / kernels::kDenseActGroup);
  kernels::DenseI8Product product = {};
  product.rows = weights.row(row_begin);
  product.n_rows = row_end - row_begin;
  product.k = weights.k;
  product.x = input.values;
  product.x_stride = input.stride;
  product.x_scales = input.scales;
  product.n_tokens = n_tokens;
  product.y = job.out + row_begin;
  product.y_stride = job.out_stride;
  (engine.table.*integer_entry(weights.format->dtype))(product);
}

// scratch [k]
void dense_rows(const EngineImpl& engine, const tensor::DenseWeights& weights, const MatmulJob& job,
                size_t row_begin, size_t row_end, const float* x, size_t n_tokens, float* scratch) {
  kernels::DenseProduct product = {};
  product.k = weights.k;
  product.x = x;
  product.x_stride = weights.k;
  product.n_tokens = n_tokens;
  product.y_stride = job.out_stride;
  if (const auto kernel = dense_kernel(engine.table, weights.format->dtype)) {
    product.rows = weights.row(row_begin);
    product.n_rows = row_end - row_begin;
    product.y = job.out + row_begin;
    kernel(product);
    return;
  }
  for (size_t row = row_begin; row < row_end; ++row) {
    // Decoded once for all tokens of the batch.
    weights.dequantize_row(row, scratch);
    product.rows = reinterpret_cast<const uint8_t*>(scratch);
    product.n_rows = 1;
    product.y = job.out + row;
    engine.table.dense_f32(product);
  }
}

}  // namespace

bool has_integer_product(const tensor::DenseWeights& weights) {
  return integer_entry(weights.format->dtype) != nullptr;
}

void begin_quantize(const QuantSite& site, size_t k, QuantizedInput* quantized) {
  quantized->stride = ceil_div(k, kActivationAlign) * kActivationAlign;
  quantized->n_groups = site.product_group == 0 ? 1 : ceil_div(k, site.product_group);
}

void quantize_token(const kernels::KernelTable& kernels, const QuantSite& site, const float* x,
                    size_t k, size_t token, QuantizedInput* quantized) {
  int8_t* values = quantized->values + token * quantized->stride;
  float* scales = quantized->scales + token * quantized->n_groups;
  int32_t* sums = quantized->sums + token * quantized->n_groups;
  const size_t act_group = site.act_group == 0 ? k : site.act_group;
  kernels.quantize_i8(x, k, quantized->stride, act_group, values, scales, sums);
  if (site.product_group == site.act_group) return;
  // The products want sums of finer groups than the activations have scales: repeat the scales,
  // from the back because they are widened in place, and add up again.
  const size_t ratio = act_group / site.product_group;
  for (size_t g = quantized->n_groups; g-- > 0;) {
    const size_t coarse = site.act_group == 0 ? 0 : g / ratio;
    scales[g] = scales[coarse];
    int32_t sum = 0;
    const size_t end = std::min(k, (g + 1) * site.product_group);
    for (size_t i = g * site.product_group; i < end; ++i) sum += values[i];
    sums[g] = sum;
  }
}

size_t least_tiles(const Product& product) {
  constexpr size_t kManyTokens = 64;
  constexpr size_t kDense = 4;
  if (product.n_tokens > 1) return kManyTokens;
  size_t least = kDense;
  for (const MatmulJob& job : product.jobs) {
    if (const auto* ternary = job.matrix->ternary()) {
      least = std::max(least, ternary->layout().least_tiles);
    }
  }
  return least;
}

void compute_tiles(const Product& product, const MatmulJob& job, size_t tile_begin, size_t tile_end,
                   int worker) {
  const Activations& a = product.activations;
  if (const auto* ternary = job.matrix->ternary()) {
    ternary_tiles(product, *ternary, job, tile_begin, tile_end, worker);
    return;
  }
  const tensor::DenseWeights& dense = *job.matrix->dense();
  const size_t row_begin = tile_begin * kTileRows;
  const size_t row_end = std::min(dense.n_rows, tile_end * kTileRows);
  if (product.site.dense_integer) {
    integer_dense_rows(product.engine, dense, job, row_begin, row_end, product.n_tokens,
                       a.quantized);
    return;
  }
  dense_rows(product.engine, dense, job, row_begin, row_end, product.x, product.n_tokens,
             a.row + static_cast<size_t>(worker) * a.row_stride);
}

Workers workers_for(const Product& product) {
  uint64_t n_bytes = 0;
  for (const MatmulJob& job : product.jobs) n_bytes += job.matrix->resident_bytes();
  const bool small = n_bytes * product.n_tokens < kLeastBytesToFork;
  return small ? product.engine.pool().first(1) : product.engine.workers(product.n_tokens);
}

void matmul(const Product& product) {
  const Workers workers = workers_for(product);
  uint64_t total_bytes = 0;
  size_t total_tiles = 0;
  for (const MatmulJob& job : product.jobs) {
    total_bytes += job.matrix->resident_bytes();
    total_tiles += n_tiles(*job.matrix);
  }
  // The tiles of all jobs in one line, so that one fork serves them all, cut where the bytes before
  // the cut are a worker's part: tiles of different matrices are of different sizes.
  const auto cut = [&](size_t worker) {
    uint64_t bytes = total_bytes * worker / static_cast<uint64_t>(workers.size());
    size_t first = 0;
    for (const MatmulJob& job : product.jobs) {
      const uint64_t job_bytes = job.matrix->resident_bytes();
      const size_t count = n_tiles(*job.matrix);
      if (bytes < job_bytes) return first + static_cast<size_t>(bytes * count / job_bytes);
      bytes -= job_bytes;
      first += count;
    }
    return total_tiles;
  };
  workers.parallel_chunks(total_tiles, least_tiles(product), cut,
                          [&](size_t begin, size_t end, int worker) {
                            size_t first = 0;
                            for (const MatmulJob& job : product.jobs) {
                              const size_t count = n_tiles(*job.matrix);
                              const size_t from = std::max(begin, first) - first;
                              const size_t to = std::min(end, first + count);
                              if (to > first + from)
                                compute_tiles(product, job, from, to - first, worker);
                              first += count;
                            }
                          });
}

}  // namespace tern::model
