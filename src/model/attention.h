// Causal attention of a batch over the KV cache, by online softmax in blocks of positions.
#pragma once

#include <cstddef>

#include "kv_cache/kv_cache.h"
#include "model/activations.h"
#include "model/config.h"
#include "threading/engine_impl.h"

namespace tern::model {

/// activations.attention [n_tokens, q_dim] from activations.q [n_tokens, q_dim] and the cache,
/// which holds the keys and values of positions [0, n_past + n_tokens) of this layer. Token t sees
/// positions up to n_past + t. Blocks begin at multiples of kAttentionBlock and are taken in order,
/// so the result of a token depends neither on the batch nor on the number of threads.
void attention(const EngineImpl& engine, const Config& config, const KvCache& cache, size_t layer,
               size_t n_past, size_t n_tokens, const Activations& activations);

}  // namespace tern::model
