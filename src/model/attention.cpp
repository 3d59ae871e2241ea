#include "model/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace tern::model {
namespace {

// The cache's element type behind one set of names.
struct F16Cache {
  using Element = uint16_t;
  static float dot(const kernels::KernelTable& t, const float* a, const Element* b, size_t n) {
    return t.dot_f16(a, b, n);
  }
  static void axpy(const kernels::KernelTable& t, float* acc, float p, const Element* v, size_t n) {
    t.axpy_f16(acc, p, v, n);
  }
};
struct F32Cache {
  using Element = float;
  static float dot(const kernels::KernelTable& t, const float* a, const Element* b, size_t n) {
    return t.dot_f32(a, b, n);
  }
  static void axpy(const kernels::KernelTable& t, float* acc, float p, const Element* v, size_t n) {
    t.axpy_f32(acc, p, v, n);
  }
};

// exp(x) by the kernels' own exponential.
float exp_of(const kernels::KernelTable& table, float x) { return table.exp_sum(&x, 1, 0.0f); }

// All query heads of one token that share a key head.
template <typename Cache>
void attend(const kernels::KernelTable& table, const Config& config,
            const typename Cache::Element* keys, const typename Cache::Element* values,
            size_t n_positions, const float* q, float* out, float* scores, float* maxima,
            float* sums) {
  const auto head_dim = static_cast<size_t>(config.head_dim);
  const auto n_rep = static_cast<size_t>(config.n_head / config.n_head_kv);
  const float scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  std::memset(out, 0, n_rep * head_dim * sizeof(float));
  std::fill_n(maxima, n_rep, -std::numeric_limits<float>::infinity());
  std::fill_n(sums, n_rep, 0.0f);
  for (size_t block = 0; block < n_positions; block += kAttentionBlock) {
    const size_t n = std::min(kAttentionBlock, n_positions - block);
    // Heads inside blocks: the block's keys and values come from memory once for all heads.
    for (size_t h = 0; h < n_rep; ++h) {
      const float* query = q + h * head_dim;
      float* acc = out + h * head_dim;
      for (size_t i = 0; i < n; ++i) {
        scores[i] = Cache::dot(table, query, keys + (block + i) * head_dim, head_dim) * scale;
      }
      const float block_max = table.max_f32(scores, n);
      if (block_max > maxima[h]) {
        if (block > 0) {
          const float shrink = exp_of(table, maxima[h] - block_max);
          table.scale_f32(acc, shrink, head_dim);
          sums[h] = sums[h] * shrink;
        }
        maxima[h] = block_max;
      }
      sums[h] = sums[h] + table.exp_sum(scores, n, maxima[h]);
      for (size_t i = 0; i < n; ++i) {
        Cache::axpy(table, acc, scores[i], values + (block + i) * head_dim, head_dim);
      }
    }
  }
  for (size_t h = 0; h < n_rep; ++h) table.scale_f32(out + h * head_dim, 1.0f / sums[h], head_dim);
}

template <typename Cache>
void attend_batch(const EngineImpl& engine, const Config& config, const KvCache& cache,
                  size_t layer, size_t n_past, size_t n_tokens, const Activations& a) {
  using Element = typename Cache::Element;
  const auto head_dim = static_cast<size_t>(config.head_dim);
  const auto q_dim = static_cast<size_t>(config.q_dim());
  const auto n_head_kv = static_cast<size_t>(config.n_head_kv);
  const size_t n_rep = static_cast<size_t>(config.n_head) / n_head_kv;
  const size_t n_tasks = n_tokens * n_head_kv;
  const Workers workers = engine.workers(n_tokens);
  const auto n_workers = static_cast<size_t>(workers.size());
  // Later tokens see more positions, so tasks are dealt out in turn instead of in runs.
  const auto work = [&](int worker) {
    float* scores = a.scores + static_cast<size_t>(worker) * a.score_stride;
    float* maxima = scores + kAttentionBlock;
    for (size_t task = static_cast<size_t>(worker); task < n_tasks; task += n_workers) {
      const size_t token = task / n_head_kv;
      const size_t head = task % n_head_kv;
      const size_t at = token * q_dim + head * n_rep * head_dim;
      attend<Cache>(engine.table, config, static_cast<const Element*>(cache.keys(layer, head)),
                    static_cast<const Element*>(cache.values(layer, head)), n_past + token + 1,
                    a.q + at, a.attention + at, scores, maxima, maxima + n_rep);
    }
  };
  workers.run(work);
}

}  // namespace

void attention(const EngineImpl& engine, const Config& config, const KvCache& cache, size_t layer,
               size_t n_past, size_t n_tokens, const Activations& activations) {
  if (cache.type() == KvType::kF16) {
    attend_batch<F16Cache>(engine, config, cache, layer, n_past, n_tokens, activations);
  } else {
    attend_batch<F32Cache>(engine, config, cache, layer, n_past, n_tokens, activations);
  }
}

}  // namespace tern::model
