// Products of a batch of activations with matrices, spread over the pool in whole tiles of 16 rows.
#pragma once

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

/// Quantises token t of x [n_tokens, k] for a site; the pieces of `quantized` for that token are
/// written.
void quantize_token(const kernels::KernelTable& kernels, const QuantSite& site, const float* x,
                    size_t k, size_t token, QuantizedInput* quantized);
/// Sets the strides for inputs of k elements. Call once before quantize_token() on the tokens of a
/// batch.
void begin_quantize(const QuantSite& site, size_t k, QuantizedInput* quantized);

/// Computes all jobs, which share the input x [n_tokens, k] and, for the ternary ones, its
/// quantised form. Every output element is computed by one worker in a fixed order: results do not
/// depend on the number of threads or tokens.
void matmul(const EngineImpl& engine, const QuantSite& site, const float* x, size_t n_tokens,
            const Activations& activations, std::span<const MatmulJob> jobs);

}  // namespace tern::model
