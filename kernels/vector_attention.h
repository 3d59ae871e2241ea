// Attention over one block of positions, written once for every vector ISA on top of its v16.h. The
// including file defines, in an unnamed namespace of its ISA namespace,
//
//   kTileQueries  most queries computed together, 4 or 8: each element of a key or value is loaded
//                 and converted once for all of them
//   kTileGroups   groups of 16 keys taken together, and
//   kTileVectors  vectors of a value taken together, 1 or 2: enough chains of sums to hide the
//                 latency of an addition, few enough for the registers; twice as many where a tile
//                 has half the queries or fewer
//
// and what vector_attention_q8.h asks for. Sums are formed element by element in the order of the
// contract, and lanes never meet: tiles of any shape give the same bits. REQUIRES the includer to
// have included <math.h>, exp_constants.h, half.h, kernel_table.h and v16.h.

#include "kernels/vector_exp.h"

namespace {

// Queries whose weights are on the stack at once, 32 KiB of them.
constexpr size_t kBatchQueries = 32;
// From so many on, keys and values that are not f32 are converted once for the batch; below, each
// tile of queries converts them on the way.
constexpr size_t kDecodeQueries = 16;
// Largest head whose decoded keys are put on the stack, 32 KiB of them.
constexpr size_t kDecodeHeadDim = 256;

// The elements of a cache: how 16 of them become floats.
struct CacheF32 {
  using Element = float;
  static V16 load(const Element* p) { return v_load(p); }
  static float to_f32(Element element) { return element; }
};
struct CacheF16 {
  using Element = uint16_t;
  static V16 load(const Element* p) { return v_load_f16(p); }
  static float to_f32(Element element) { return tern::kernels::f16_to_f32(element); }
};

inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// What a loop asks memory for on the way: the lines `ahead` and `beside` bytes from those it reads.
// Few queries wait for memory, so that keys bring the next keys and the values, and values the keys
// of the next block; many queries wait for arithmetic.
struct Prefetch {
  ptrdiff_t ahead, beside;
  bool wanted;

  void line(const void* p) const {
    if (!wanted) return;
    __builtin_prefetch(static_cast<const char*>(p) + ahead);
    if (beside != 0) __builtin_prefetch(static_cast<const char*>(p) + beside);
  }
};
constexpr Prefetch kNoPrefetch = {0, 0, false};

// Whether a line of 64 bytes begins with these 16 elements of a row.
template <typename Element>
inline bool begins_line(size_t vector) {
  constexpr size_t kPerLine = 64 / (16 * sizeof(Element));
  return kPerLine <= 1 || vector % kPerLine == 0;
}

// Scores of Q queries for G groups of keys, into rows of kAttentionBlock.
template <typename Cache, int Q, int G>
inline void score_groups(const typename Cache::Element* keys, size_t head_dim, Prefetch prefetch,
                         const float* const* q, V16 factor, float* scores) {
  const size_t group = head_dim * kKeyLanes;
  V16 sums[Q][G];
#pragma GCC unroll 8
  for (int i = 0; i < Q; ++i) {
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) sums[i][g] = v_zero();
  }
  for (size_t d = 0; d < head_dim; ++d) {
    V16 k[G];
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      const auto* lanes = keys + static_cast<size_t>(g) * group + d * kKeyLanes;
      k[g] = Cache::load(lanes);
      if (begins_line<typename Cache::Element>(d)) prefetch.line(lanes);
    }
#pragma GCC unroll 8
    for (int i = 0; i < Q; ++i) {
      const V16 x = v_set1(q[i][d]);
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) sums[i][g] = v_add(sums[i][g], v_mul(x, k[g]));
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < Q; ++i) {
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      v_store(
          scores + static_cast<size_t>(i) * kAttentionBlock + static_cast<size_t>(g) * kKeyLanes,
          v_mul(sums[i][g], factor));
    }
  }
}

// Adds the values of positions [begin, end), times their weights, to N vectors of Q rows.
template <typename Cache, int Q, int N>
inline void add_values(const typename Cache::Element* values, size_t stride, Prefetch prefetch,
                       const float* weights, size_t begin, size_t end, float* const* out,
                       size_t d) {
  V16 sums[Q][N];
#pragma GCC unroll 8
  for (int i = 0; i < Q; ++i) {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) sums[i][n] = begin == 0 ? v_zero() : v_load(out[i] + d + 16 * n);
  }
  for (size_t pos = begin; pos < end; ++pos) {
    const auto* row = values + pos * stride;
    V16 v[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      v[n] = Cache::load(row + 16 * n);
      if (begins_line<typename Cache::Element>(static_cast<size_t>(n))) prefetch.line(row + 16 * n);
    }
#pragma GCC unroll 8
    for (int i = 0; i < Q; ++i) {
      const V16 w = v_set1(weights[static_cast<size_t>(i) * kAttentionBlock + pos]);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sums[i][n] = v_add(sums[i][n], v_mul(w, v[n]));
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < Q; ++i) {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) v_store(out[i] + d + 16 * n, sums[i][n]);
  }
}

inline float max_of(const float* x, size_t n) {
  V16 lanes = v_set1(-HUGE_VALF);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) lanes = v_max(v_load(x + i), lanes);
  float max = v_largest(lanes);
  for (; i < n; ++i) max = x[i] > max ? x[i] : max;
  return max;
}

template <int n>
struct Count {
  static constexpr int value = n;
};

// Up to kBatchQueries queries of a block, with a row of scores or weights for each.
class Queries {
 protected:
  Queries(const AttentionBlock& b, size_t first, size_t n)
      : head_dim_(b.head_dim), n_(n), factor_(v_set1(b.scale)) {
    for (size_t i = 0; i < n; ++i) {
      const size_t token = (first + i) / b.n_rep;
      const size_t head = (first + i) % b.n_rep * head_dim_;
      q_[i] = b.q + token * b.q_stride + head;
      out_[i] = b.out + token * b.out_stride + head;
      seen_[i] = smaller(b.n_positions + token, kAttentionBlock);
    }
  }

  float* row(size_t query) { return weights_ + query * kAttentionBlock; }

  // Groups of keys that the queries before `end` see.
  size_t n_groups(size_t end) const { return (seen_[end - 1] + kKeyLanes - 1) / kKeyLanes; }

  // fn(Count<Q>(), i) for tiles of up to `most` queries [i, i + Q).
  template <int most, typename Fn>
  void each_tile(Fn fn) {
    size_t i = 0;
    for (; i + most <= n_; i += most) fn(Count<most>(), i);
    if constexpr (most > 4) {
      if (i + 4 <= n_) {
        fn(Count<4>(), i);
        i += 4;
      }
    }
    if constexpr (most > 2) {
      if (i + 2 <= n_) {
        fn(Count<2>(), i);
        i += 2;
      }
    }
    if (i < n_) fn(Count<1>(), i);
  }

  // Makes weights of the scores.
  void weigh(float* maxima, float* sums) {
    for (size_t i = 0; i < n_; ++i) {
      maxima[i] = max_of(row(i), seen_[i]);
      sums[i] = exp_and_sum(row(i), seen_[i], maxima[i]);
    }
  }

  const size_t head_dim_, n_;
  const V16 factor_;
  const float* q_[kBatchQueries];
  float* out_[kBatchQueries];
  size_t seen_[kBatchQueries];
  alignas(64) float weights_[kBatchQueries * kAttentionBlock];
};

// Attention over floats.
template <typename Cache>
class Batch : Queries {
 public:
  Batch(const AttentionBlock& b, size_t first, size_t n)
      : Queries(b, first, n),
        keys_(static_cast<const Element*>(b.keys)),
        values_(static_cast<const Element*>(b.values)) {}

  void run(float* maxima, float* sums) {
    const bool decode = kDecodes && n_ >= kDecodeQueries && head_dim_ <= kDecodeHeadDim;
    if (decode) {
      decoded_scores();
    } else {
      scores();
    }
    weigh(maxima, sums);
    size_t d = 0;
    if (decode) {
      for (; d + 16 * kTileVectors <= head_dim_; d += 16 * kTileVectors) add_decoded(d);
    } else {
      if (n_ <= kTileQueries / 2) {
        for (; d + 32 * kTileVectors <= head_dim_; d += 32 * kTileVectors) {
          add<Cache, 2 * kTileVectors, kTileQueries / 2>(values_ + d, head_dim_, d);
        }
      }
      for (; d + 16 * kTileVectors <= head_dim_; d += 16 * kTileVectors) {
        add<Cache, kTileVectors>(values_ + d, head_dim_, d);
      }
    }
    for (; d + 16 <= head_dim_; d += 16) add<Cache, 1>(values_ + d, head_dim_, d);
    if (d < head_dim_) add_elements(d);
  }

 private:
  using Element = typename Cache::Element;
  static constexpr bool kDecodes = sizeof(Element) < sizeof(float);

  // Only the first tile asks memory for anything: the others find it in the cache.
  bool waits_for_memory(size_t tile) const { return tile == 0 && n_ < kDecodeQueries; }
  static ptrdiff_t bytes(size_t n_elements) {
    return static_cast<ptrdiff_t>(n_elements * sizeof(Element));
  }
  // Keys and values of 16 positions take the same room.
  ptrdiff_t values_from_keys() const {
    return static_cast<ptrdiff_t>(reinterpret_cast<uintptr_t>(values_) -
                                  reinterpret_cast<uintptr_t>(keys_));
  }

  // Scores of a tile of Q queries for groups [group, group + G).
  template <int Q, int G>
  void score(size_t i, size_t group) {
    const Prefetch prefetch = {bytes(G * kKeyLanes * head_dim_), values_from_keys(),
                               waits_for_memory(i)};
    score_groups<Cache, Q, G>(keys_ + group * kKeyLanes * head_dim_, head_dim_, prefetch, q_ + i,
                              factor_, row(i) + group * kKeyLanes);
  }

  void scores() {
    this->template each_tile<kTileQueries>([&](auto count, size_t i) {
      constexpr int Q = decltype(count)::value;
      constexpr int G = 2 * Q <= kTileQueries ? 2 * kTileGroups : kTileGroups;
      const size_t n = n_groups(i + Q);
      size_t group = 0;
      for (; group + G <= n; group += G) score<Q, G>(i, group);
      for (; group < n; ++group) score<Q, 1>(i, group);
    });
  }

  // The same with the keys of kTileGroups groups decoded for all queries. The groups of a block are
  // allocated in full, so there are keys to decode behind the last that is seen.
  void decoded_scores() {
    alignas(64) float keys[kTileGroups * kKeyLanes * kDecodeHeadDim];
    const size_t n = n_groups(n_);
    const size_t group_elems = kKeyLanes * head_dim_;
    for (size_t group = 0; group < n; group += kTileGroups) {
      const size_t n_decoded = smaller(kTileGroups, n - group);
      for (size_t at = 0; at < n_decoded * group_elems; at += kKeyLanes) {
        v_store(keys + at, Cache::load(keys_ + group * group_elems + at));
      }
      this->template each_tile<kTileQueries>([&](auto count, size_t i) {
        constexpr int Q = decltype(count)::value;
        float* to = row(i) + group * kKeyLanes;
        if (group >= n_groups(i + Q)) return;
        if (n_decoded == kTileGroups) {
          score_groups<CacheF32, Q, kTileGroups>(keys, head_dim_, kNoPrefetch, q_ + i, factor_, to);
        } else {
          for (size_t g = 0; g < n_decoded; ++g) {
            score_groups<CacheF32, Q, 1>(keys + g * group_elems, head_dim_, kNoPrefetch, q_ + i,
                                         factor_, to + g * kKeyLanes);
          }
        }
      });
    }
  }

  // Adds N vectors of all values, element d on, to all queries: what the first query of a tile sees
  // to all of its queries, the rest one by one, because a weight of zero would not keep out a value
  // that is infinite.
  template <typename Values, int N, int most = kTileQueries>
  void add(const typename Values::Element* values, size_t stride, size_t d) {
    this->template each_tile<most>([&](auto count, size_t i) {
      constexpr int Q = decltype(count)::value;
      // The keys behind this block: in a long context those of the next one.
      const ptrdiff_t next = bytes(kAttentionBlock * head_dim_) - values_from_keys();
      const Prefetch prefetch = {next, 0, waits_for_memory(i)};
      add_values<Values, Q, N>(values, stride, prefetch, row(i), 0, seen_[i], out_ + i, d);
      for (size_t j = i + 1; j < i + Q; ++j) {
        if (seen_[j] == seen_[i]) continue;
        add_values<Values, 1, N>(values, stride, kNoPrefetch, row(j), seen_[i], seen_[j], out_ + j,
                                 d);
      }
    });
  }

  void add_decoded(size_t d) {
    alignas(64) float values[kAttentionBlock * 16 * kTileVectors];
    for (size_t pos = 0; pos < seen_[n_ - 1]; ++pos) {
      for (size_t n = 0; n < kTileVectors; ++n) {
        v_store(values + (pos * kTileVectors + n) * 16,
                Cache::load(values_ + pos * head_dim_ + d + 16 * n));
      }
    }
    add<CacheF32, kTileVectors>(values, 16 * kTileVectors, d);
  }

  // The last head_dim % 16 elements.
  void add_elements(size_t d) {
    for (; d < head_dim_; ++d) {
      for (size_t i = 0; i < n_; ++i) {
        float sum = 0.0f;
        for (size_t pos = 0; pos < seen_[i]; ++pos) {
          sum = sum + row(i)[pos] * Cache::to_f32(values_[pos * head_dim_ + d]);
        }
        out_[i][d] = sum;
      }
    }
  }

  const Element* const keys_;
  const Element* const values_;
};

template <typename Batch>
inline void attend(const AttentionBlock& b) {
  for (size_t first = 0; first < b.n_queries; first += kBatchQueries) {
    Batch batch(b, first, smaller(kBatchQueries, b.n_queries - first));
    batch.run(b.maxima + first, b.sums + first);
  }
}

}  // namespace

#include "kernels/vector_attention_q8.h"

void attention_f32(const AttentionBlock& block) noexcept { attend<Batch<CacheF32>>(block); }
void attention_f16(const AttentionBlock& block) noexcept { attend<Batch<CacheF16>>(block); }

// Overrides of the attention entries.
void fill_attention(KernelTable& table) noexcept {
  table.attention_f32 = attention_f32;
  table.attention_f16 = attention_f16;
  table.attention_q8 = attention_q8;
  table.quantize_kv_q8 = quantize_kv_q8;
}
