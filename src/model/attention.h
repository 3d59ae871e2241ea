// Causal attention of a batch over the KV cache.
//
// Positions are taken in blocks of kernels::kAttentionBlock that begin at its multiples. A kernel
// gives the softmax of each block alone - largest score m, sum of the weights s, weighted sum of
// the values a - and these are merged in the order of the blocks, every operation rounded:
//
//   M' = max(M, m)   f = exp_f32(M - M')   g = exp_f32(m - M')
//   S' = S * f + s * g   A' = A * f + a * g        the first block is taken as it is
//
// and the result is A * (1 / S). So neither the batch, nor the number of threads, nor which of them
// takes which block changes a bit.
#pragma once

#include <cstddef>

#include "kv_cache/kv_cache.h"
#include "model/activations.h"
#include "model/config.h"
#include "model/head_placer.h"
#include "threading/engine_impl.h"

namespace tern::model {

/// activations.attention [n_tokens, q_dim] from activations.q [n_tokens, q_dim] and the cache,
/// which holds the keys and values of positions [0, n_past) of this layer; the placer brings the
/// queries into position and adds the n_tokens that follow. Token t sees positions up to n_past +
/// t.
void attention(const EngineImpl& engine, const Config& config, const KvCache& cache, size_t layer,
               size_t n_past, size_t n_tokens, const Activations& activations,
               const HeadPlacer& placer);

/// Floats of scratch that attention() needs: of every worker, and shared by all.
size_t attention_worker_floats(const Config& config);
size_t attention_shared_floats(const Config& config);

}  // namespace tern::model
