// The forward pass: token ids to logits, one code path for many tokens and for one.
#pragma once

#include <atomic>
#include <functional>
#include <span>

#include "kv_cache/kv_cache.h"
#include "model/activations.h"
#include "model/model_impl.h"

namespace tern::model {

struct ForwardRequest {
  std::span<const TokenId> ids;  // in [0, n_vocab), at most the n_batch the activations are for
  size_t n_past = 0;             // positions already in the cache
  size_t logits_from = 0;        // index into ids of the first token whose logits are wanted
  std::function<void(size_t index, std::span<const float> logits)> on_logits;
  const std::atomic<bool>* interrupt = nullptr;
};

/// Computes the tokens at positions [n_past, n_past + ids.size()), writes their keys and values to
/// the cache, and hands out logits [n_vocab] in order. kInterrupted between two layers;
/// kUnsupported naming layer, tensor and position where a number is none: a NaN or infinity never
/// gets further than the next quantisation or product, and no such logits are handed out. After an
/// error the cache rows of these tokens are to be written again.
Result<void> forward(const ModelImpl& model, const ForwardRequest& request, KvCache* cache,
                     Activations* activations);

}  // namespace tern::model
