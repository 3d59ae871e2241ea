// Products of a batch of activations with matrices, spread over the pool in whole tiles of 16 rows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "model/activations.h"
#include "model/weights.h"
#include "threading/engine_impl.h"

namespace tern::model {

/// One product: out[t][r] = row r of matrix times token t.
struct MatmulJob {
  const Matrix* matrix = nullptr;
  float* out = nullptr;   // [n_tokens, out_stride]
  size_t out_stride = 0;  // floats
};

/// Whether there are kernels that multiply rows of this format with integers (Q8_0, Q6_K).
bool has_integer_product(const tensor::DenseWeights& weights);

/// Quantises token t of x [n_tokens, k] for a site; the pieces of `quantized` for that token are
/// written.
void quantize_token(const kernels::KernelTable& kernels, const QuantSite& site, const float* x,
                    size_t k, size_t token, QuantizedInput* quantized);
/// Sets the strides for inputs of k elements. Call once before quantize_token() on the tokens of a
/// batch.
void begin_quantize(const QuantSite& site, size_t k, QuantizedInput* quantized);

/// Products that share their input.
struct Product {
  const EngineImpl& engine;
  const QuantSite& site;
  const float* x;  // [n_tokens, k], and quantised in activations.quantized where site.any_integer
  size_t n_tokens;
  const Activations& activations;
  std::span<const MatmulJob> jobs;
};

/// Computes all jobs. Every output element is computed by one worker in a fixed order: results do
/// not depend on the number of threads or tokens.
void matmul(const Product& product);

/// The same for matrices of one height, which are cut alike: done(row_begin, row_end) is called by
/// the worker that has computed these rows of all jobs for all tokens. What follows row by row
/// finds them in that worker's cache and needs no fork of its own. done must not throw.
template <typename Fn>
void matmul_then(const Product& product, Fn&& done);

/// Fewest tiles of a chunk: for several tokens kernels arrange activations anew in every call,
/// which takes as long as some 2.5 tiles.
size_t least_tiles(const Product& product);
inline size_t n_tiles(const Matrix& matrix) {
  return (matrix.n_rows() + kernels::kTileRows - 1) / kernels::kTileRows;
}
/// Tiles [tile_begin, tile_end) of one job, by the calling thread, which is `worker` of the pool.
void compute_tiles(const Product& product, const MatmulJob& job, size_t tile_begin, size_t tile_end,
                   int worker);
/// Those that are worth waking for it.
Workers workers_for(const Product& product);

template <typename Fn>
void matmul_then(const Product& product, Fn&& done) {
  const size_t n_rows = product.jobs.front().matrix->n_rows();
  workers_for(product).parallel_chunks(n_tiles(*product.jobs.front().matrix), least_tiles(product),
                                       [&](size_t begin, size_t end, int worker) {
                                         for (const MatmulJob& job : product.jobs)
                                           compute_tiles(product, job, begin, end, worker);
                                         done(begin * kernels::kTileRows,
                                              std::min(n_rows, end * kernels::kTileRows));
                                       });
}

}  // namespace tern::model
