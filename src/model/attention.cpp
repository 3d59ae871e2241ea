#include "model/attention.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/check.h"

namespace tern::model {
namespace {

using kernels::kAttentionBlock;

// Queries that a task of a prompt computes together. Their queries, sums and a block of keys or
// values fit the L2 cache: 64 queries of 128 elements are 32 KiB, 256 keys of f16 64 KiB.
constexpr size_t kTaskQueries = 64;
// Tasks per worker that a prompt is cut into where it is long enough.
constexpr size_t kTasksPerWorker = 4;

// Up to so many tokens, the blocks of a token are spread over the workers; the results of so many
// blocks times tokens are kept before they are merged.
constexpr size_t kSplitTokens = 8;
constexpr size_t kPartialRows = 64;
// Above so many of them merging is worth waking the workers a second time.
constexpr size_t kSerialRows = 16;

// Largest number of queries that one call of the kernel gets.
size_t max_queries(const Config& config) {
  const auto n_rep = static_cast<size_t>(config.n_head / config.n_head_kv);
  return std::max(kTaskQueries, kSplitTokens * n_rep);
}

// The largest scores and sums of some queries.
struct Totals {
  float* maxima;
  float* sums;

  Totals from(size_t query) const { return {maxima + query, sums + query}; }
};

kernels::AttentionFn entry_of(const kernels::KernelTable& table, KvType type) {
  switch (type) {
    case KvType::kF16:
      return table.attention_f16;
    case KvType::kQ8:
      return table.attention_q8;
    case KvType::kF32:
      break;
  }
  return table.attention_f32;
}

class Attention {
 public:
  Attention(const EngineImpl& engine, const Config& config, const KvCache& cache, size_t layer,
            size_t n_past, size_t n_tokens, const Activations& a, const HeadPlacer& placer)
      : table_(engine.table),
        workers_(engine.workers(n_tokens)),
        cache_(cache),
        a_(a),
        placer_(placer),
        layer_(layer),
        n_past_(n_past),
        n_tokens_(n_tokens),
        n_head_(static_cast<size_t>(config.n_head)),
        n_head_kv_(static_cast<size_t>(config.n_head_kv)),
        n_rep_(n_head_ / n_head_kv_),
        head_dim_(static_cast<size_t>(config.head_dim)),
        q_dim_(static_cast<size_t>(config.q_dim())),
        scale_(1.0f / std::sqrt(static_cast<float>(config.head_dim))),
        entry_(entry_of(engine.table, cache.type())) {}

  void run() const {
    // While a head's positions are one block, whoever computes it also places it: one fork less.
    if (n_blocks_of(n_tokens_ - 1) > 1 || n_tokens_ > kSplitTokens) {
      workers_.parallel_chunks(n_tokens_ * n_head_kv_, 1, [&](size_t begin, size_t end, int) {
        for (size_t i = begin; i < end; ++i) placer_.place(i % n_head_kv_, i / n_head_kv_);
      });
    }
    if (n_tokens_ > kSplitTokens) {
      by_tokens();
    } else {
      by_blocks();
    }
  }

 private:
  // One block of positions for the queries of one key head and tokens [first, first + n), of which
  // the first must see the beginning of the block.
  void compute(size_t head, size_t block, size_t first, size_t n, float* out, size_t out_stride,
               Totals totals) const {
    const size_t begin = block * kAttentionBlock;
    kernels::AttentionBlock job = {};
    cache_.describe(layer_, head, begin, &job);
    job.n_positions = n_past_ + first + 1 - begin;
    job.n_queries = n * n_rep_;
    job.n_rep = n_rep_;
    job.q = a_.q + first * q_dim_ + head * n_rep_ * head_dim_;
    job.q_stride = q_dim_;
    job.scale = scale_;
    job.out = out;
    job.out_stride = out_stride;
    job.maxima = totals.maxima;
    job.sums = totals.sums;
    entry_(job);
  }

  // Merges a block into what came before it, for n tokens of one key head.
  void merge(size_t n, float* acc, Totals totals, const float* out, size_t out_stride,
             Totals of_block, float* factors) const {
    const size_t n_queries = n * n_rep_;
    float* keep = factors;
    float* take = factors + n_queries;
    for (size_t r = 0; r < n_queries; ++r) {
      const float max = std::max(totals.maxima[r], of_block.maxima[r]);
      keep[r] = totals.maxima[r] - max;
      take[r] = of_block.maxima[r] - max;
      totals.maxima[r] = max;
    }
    table_.exp_sum(factors, 2 * n_queries, 0.0f);
    for (size_t r = 0; r < n_queries; ++r) {
      totals.sums[r] = totals.sums[r] * keep[r] + of_block.sums[r] * take[r];
      const size_t at = (r % n_rep_) * head_dim_;
      table_.merge_f32(acc + r / n_rep_ * q_dim_ + at, keep[r], out + r / n_rep_ * out_stride + at,
                       take[r], head_dim_);
    }
  }

  void divide(size_t n, float* acc, Totals totals) const {
    for (size_t r = 0; r < n * n_rep_; ++r) {
      table_.scale_f32(acc + r / n_rep_ * q_dim_ + (r % n_rep_) * head_dim_, 1.0f / totals.sums[r],
                       head_dim_);
    }
  }

  float* result(size_t head, size_t token) const {
    return a_.attention + token * q_dim_ + head * n_rep_ * head_dim_;
  }
  float* scratch(int worker) const {
    return a_.scores + static_cast<size_t>(worker) * a_.score_stride;
  }

  // A prompt: a task is a key head and some tokens, which take all their blocks in order. Tasks
  // differ in length, so workers fetch them, the longest of each head first.
  void by_tokens() const {
    const size_t even =
        n_tokens_ * n_head_kv_ / (kTasksPerWorker * static_cast<size_t>(workers_.size()));
    const size_t tokens = std::clamp<size_t>(even, 1, std::max<size_t>(1, kTaskQueries / n_rep_));
    const size_t n_pieces = (n_tokens_ + tokens - 1) / tokens;
    std::atomic<size_t> next{0};
    workers_.run([&](int worker) {
      for (;;) {
        const size_t task = next.fetch_add(1, std::memory_order_relaxed);
        if (task >= n_pieces * n_head_kv_) return;
        const size_t first = (n_pieces - 1 - task % n_pieces) * tokens;
        task_of_tokens(task / n_pieces, first, std::min(tokens, n_tokens_ - first),
                       scratch(worker));
      }
    });
  }

  void task_of_tokens(size_t head, size_t first, size_t n, float* scratch) const {
    const size_t n_queries = n * n_rep_;
    const Totals totals = {scratch, scratch + n_queries};
    const Totals of_block = {scratch + 2 * n_queries, scratch + 3 * n_queries};
    float* factors = scratch + 4 * n_queries;
    float* partial = scratch + 6 * n_queries;
    const size_t partial_stride = n_rep_ * head_dim_;
    compute(head, 0, first, n, result(head, first), q_dim_, totals);
    const size_t n_blocks = n_blocks_of(first + n - 1);
    for (size_t block = 1; block < n_blocks; ++block) {
      const size_t skip = skipped(block, first);
      compute(head, block, first + skip, n - skip, partial, partial_stride, of_block);
      merge(n - skip, result(head, first + skip), totals.from(skip * n_rep_), partial,
            partial_stride, of_block, factors);
    }
    divide(n, result(head, first), totals);
  }

  // One token, or a few: a task is a key head and a block of positions, for all tokens that see it.
  // Results are merged when those of as many blocks as there is room for are known.
  void by_blocks() const {
    const size_t n_blocks = n_blocks_of(n_tokens_ - 1);
    const size_t round = kPartialRows / n_tokens_;
    for (size_t first = 0; first < n_blocks; first += round) {
      const size_t n = std::min(round, n_blocks - first);
      workers_.parallel_for(n * n_head_kv_, 1, [&](size_t begin, size_t end, int) {
        for (size_t task = begin; task < end; ++task) {
          const size_t head = task / n;
          const size_t slot = task % n;
          const size_t skip = skipped(first + slot, 0);
          for (size_t t = 0; n_blocks == 1 && t < n_tokens_; ++t) placer_.place(head, t);
          compute(head, first + slot, skip, n_tokens_ - skip, partial(slot, head, skip), q_dim_,
                  slot_totals(slot, head).from(skip * n_rep_));
        }
      });
      const auto merge_heads = [&](size_t begin, size_t end, int worker) {
        for (size_t head = begin; head < end; ++head) {
          merge_slots(head, first, n, scratch(worker));
          if (first + n == n_blocks) {
            divide(n_tokens_, result(head, 0), slot_totals(round, head));
          }
        }
      };
      if (n * n_tokens_ > kSerialRows) {
        workers_.parallel_for(n_head_kv_, 1, merge_heads);
      } else {
        merge_heads(0, n_head_kv_, 0);
      }
    }
  }

  // Blocks [first, first + n) of one key head, whose results lie in the shared scratch.
  void merge_slots(size_t head, size_t first, size_t n, float* factors) const {
    const Totals totals = slot_totals(kPartialRows / n_tokens_, head);
    for (size_t slot = 0; slot < n; ++slot) {
      const Totals of_block = slot_totals(slot, head);
      if (first + slot == 0) {
        std::copy_n(of_block.maxima, n_tokens_ * n_rep_, totals.maxima);
        std::copy_n(of_block.sums, n_tokens_ * n_rep_, totals.sums);
        for (size_t t = 0; t < n_tokens_; ++t) {
          std::copy_n(partial(slot, head, t), n_rep_ * head_dim_, result(head, t));
        }
      } else {
        const size_t skip = skipped(first + slot, 0);
        merge(n_tokens_ - skip, result(head, skip), totals.from(skip * n_rep_),
              partial(slot, head, skip), q_dim_, of_block.from(skip * n_rep_), factors);
      }
    }
  }

  // Blocks that a token sees, and tokens from `first` on that are in front of a block.
  size_t n_blocks_of(size_t token) const { return (n_past_ + token) / kAttentionBlock + 1; }
  size_t skipped(size_t block, size_t first) const {
    const size_t begin = block * kAttentionBlock;
    return begin > n_past_ + first ? begin - n_past_ - first : 0;
  }

  // The shared scratch: a result [n_tokens, q_dim] of every slot; then maxima and sums of the
  // slots and, behind them, the totals of what has been merged.
  float* partial(size_t slot, size_t head, size_t token) const {
    return a_.partials + (slot * n_tokens_ + token) * q_dim_ + head * n_rep_ * head_dim_;
  }
  Totals slot_totals(size_t slot, size_t head) const {
    float* all = a_.partials + kPartialRows * q_dim_;
    const size_t n_queries = n_tokens_ * n_rep_;
    float* maxima = all + (slot * n_head_kv_ + head) * 2 * n_queries;
    return {maxima, maxima + n_queries};
  }

  const kernels::KernelTable& table_;
  const Workers workers_;
  const KvCache& cache_;
  const Activations& a_;
  const HeadPlacer& placer_;
  const size_t layer_, n_past_, n_tokens_, n_head_, n_head_kv_, n_rep_, head_dim_, q_dim_;
  const float scale_;
  const kernels::AttentionFn entry_;
};

}  // namespace

void attention(const EngineImpl& engine, const Config& config, const KvCache& cache, size_t layer,
               size_t n_past, size_t n_tokens, const Activations& activations,
               const HeadPlacer& placer) {
  Attention(engine, config, cache, layer, n_past, n_tokens, activations, placer).run();
}

size_t attention_worker_floats(const Config& config) {
  // Totals of the task and of a block, two factors, and the block's results.
  return max_queries(config) * (6 + static_cast<size_t>(config.head_dim));
}

size_t attention_shared_floats(const Config& config) {
  return kPartialRows * static_cast<size_t>(config.q_dim()) +
         (kPartialRows + kSplitTokens) * 2 * static_cast<size_t>(config.n_head);
}

}  // namespace tern::model
