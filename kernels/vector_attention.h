// Attention over one block of positions, written once for every vector ISA on top of its v16.h. The
// including file defines, in an unnamed namespace of its ISA namespace,
//
//   kTileQueries  most queries computed together, 4 or 8: each element of a key or value is loaded
//                 and converted once for all of them
//   kTileGroups   groups of 16 keys taken together, and
//   kTileVectors  vectors of a value taken together, 1 or 2: enough chains of sums to hide the
//                 latency of an addition, few enough for the registers
//
// Sums are formed element by element in the order of the contract, and lanes never meet: tiles of
// any shape give the same bits. REQUIRES the includer to have included <math.h>, exp_constants.h,
// half.h, kernel_table.h and v16.h.

#include "kernels/vector_exp.h"

namespace {

// Queries whose weights are on the stack at once, 32 KiB of them.
constexpr size_t kBatchQueries = 32;
// From so many on, keys and values that are not f32 are converted once for the batch; below, each
// tile of queries converts them on the way.
constexpr size_t kDecodeQueries = 16;
// Largest head whose decoded keys are put on the stack, 32 KiB of them.
constexpr size_t kDecodeHeadDim = 256;
// How many positions ahead of its use a value is asked for; keys are one turn of the loop ahead.
constexpr size_t kValuePrefetch = 16;

static_assert(kTileVectors * 16 <= kKvBlock, "the elements of a tile of values share a scale");

// The elements of a cache: how 16 of them become floats, and whether they have scales.
struct CacheF32 {
  using Element = float;
  static constexpr bool kScaled = false;
  static V16 load(const Element* p) { return v_load(p); }
  static float to_f32(Element element) { return element; }
};
struct CacheF16 {
  using Element = uint16_t;
  static constexpr bool kScaled = false;
  static V16 load(const Element* p) { return v_load_f16(p); }
  static float to_f32(Element element) { return tern::kernels::f16_to_f32(element); }
};
struct CacheQ8 {
  using Element = int8_t;
  static constexpr bool kScaled = true;
  static V16 load(const Element* p) { return v_load_i8(p); }
  static float to_f32(Element element) { return static_cast<float>(element); }
};

inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
inline size_t blocks_of(size_t head_dim) { return (head_dim + kKvBlock - 1) / kKvBlock; }

// Calls fn(d, k) for every element d of G groups of keys, k[G] as floats.
template <typename Cache, int G, typename Fn>
inline void each_element(const typename Cache::Element* keys, const uint16_t* scales,
                         size_t head_dim, bool prefetch, Fn fn) {
  const size_t group = head_dim * kKeyLanes;
  const size_t scale_group = blocks_of(head_dim) * kKeyLanes;
  const size_t step = Cache::kScaled ? kKvBlock : head_dim;
  for (size_t begin = 0; begin < head_dim; begin += step) {
    V16 s[G];
    if constexpr (Cache::kScaled) {
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) {
        s[g] = v_load_bf16(scales + static_cast<size_t>(g) * scale_group +
                           begin / kKvBlock * kKeyLanes);
      }
    }
    const size_t end = smaller(begin + step, head_dim);
    for (size_t d = begin; d < end; ++d) {
      V16 k[G];
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) {
        const auto* lanes = keys + static_cast<size_t>(g) * group + d * kKeyLanes;
        k[g] = Cache::load(lanes);
        if constexpr (Cache::kScaled) k[g] = v_mul(k[g], s[g]);
        if (prefetch) __builtin_prefetch(lanes + G * group);
      }
      fn(d, k);
    }
  }
}

// Scores of Q queries for G groups of keys, into rows of kAttentionBlock.
template <typename Cache, int Q, int G>
inline void score_groups(const typename Cache::Element* keys, const uint16_t* scales,
                         size_t head_dim, bool prefetch, const float* const* q, V16 factor,
                         float* scores) {
  V16 sums[Q][G];
#pragma GCC unroll 8
  for (int i = 0; i < Q; ++i) {
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) sums[i][g] = v_zero();
  }
  each_element<Cache, G>(keys, scales, head_dim, prefetch, [&](size_t d, const V16* k) {
#pragma GCC unroll 8
    for (int i = 0; i < Q; ++i) {
      const V16 x = v_set1(q[i][d]);
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) sums[i][g] = v_add(sums[i][g], v_mul(x, k[g]));
    }
  });
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

// Adds the values of positions [begin, end), times their weights, to N vectors of Q rows. A scale
// for each position, where there are any.
template <typename Cache, int Q, int N>
inline void add_values(const typename Cache::Element* values, size_t stride, const float* scales,
                       bool prefetch, const float* weights, size_t begin, size_t end,
                       float* const* out, size_t d) {
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
      if constexpr (Cache::kScaled) v[n] = v_mul(v[n], v_set1(scales[pos]));
      if (prefetch) __builtin_prefetch(row + 16 * n + kValuePrefetch * stride);
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
  alignas(64) float p[kPartialSums];
  v_store(p, lanes);
  float max = -HUGE_VALF;
  for (float lane : p) max = lane > max ? lane : max;
  for (; i < n; ++i) max = x[i] > max ? x[i] : max;
  return max;
}

// Up to kBatchQueries queries of a block.
template <typename Cache>
class Batch {
 public:
  Batch(const AttentionBlock& b, size_t first, size_t n)
      : keys_(static_cast<const Element*>(b.keys)),
        values_(static_cast<const Element*>(b.values)),
        key_scales_(b.key_scales),
        value_scales_(b.value_scales),
        head_dim_(b.head_dim),
        n_(n),
        factor_(v_set1(b.scale)) {
    for (size_t i = 0; i < n; ++i) {
      const size_t token = (first + i) / b.n_rep;
      const size_t head = (first + i) % b.n_rep * head_dim_;
      q_[i] = b.q + token * b.q_stride + head;
      out_[i] = b.out + token * b.out_stride + head;
      seen_[i] = smaller(b.n_positions + token, kAttentionBlock);
    }
  }

  void run(float* maxima, float* sums) {
    const bool decode = kDecodes && n_ >= kDecodeQueries && head_dim_ <= kDecodeHeadDim;
    if (decode) {
      decoded_scores();
    } else {
      scores();
    }
    for (size_t i = 0; i < n_; ++i) {
      maxima[i] = max_of(row(i), seen_[i]);
      sums[i] = exp_and_sum(row(i), seen_[i], maxima[i]);
    }
    size_t d = 0;
    for (; d + 16 * kTileVectors <= head_dim_; d += 16 * kTileVectors) {
      if (decode) {
        add_decoded(d);
      } else {
        add_vectors<kTileVectors>(d);
      }
    }
    for (; d + 16 <= head_dim_; d += 16) add_vectors<1>(d);
    if (d < head_dim_) add_elements(d);
  }

 private:
  using Element = typename Cache::Element;
  static constexpr bool kDecodes = sizeof(Element) < sizeof(float);

  float* row(size_t query) { return weights_ + query * kAttentionBlock; }

  // fn(Count<Q>(), i) for tiles of Q queries [i, i + Q).
  template <int n>
  struct Count {
    static constexpr int value = n;
  };
  template <typename Fn>
  void each_tile(Fn fn) {
    size_t i = 0;
    for (; i + kTileQueries <= n_; i += kTileQueries) fn(Count<kTileQueries>(), i);
    if (kTileQueries > 4 && i + 4 <= n_) {
      fn(Count<4>(), i);
      i += 4;
    }
    if (i + 2 <= n_) {
      fn(Count<2>(), i);
      i += 2;
    }
    if (i < n_) fn(Count<1>(), i);
  }

  // Groups of keys that the queries before `end` see.
  size_t n_groups(size_t end) const { return (seen_[end - 1] + kKeyLanes - 1) / kKeyLanes; }
  const uint16_t* scales_of(size_t group) const {
    return Cache::kScaled ? key_scales_ + group * kKeyLanes * blocks_of(head_dim_) : nullptr;
  }
  // Few queries wait for memory, many for arithmetic.
  bool prefetch() const { return n_ < kDecodeQueries; }

  // Scores of a tile of Q queries for groups [group, group + G).
  template <int Q, int G>
  void score(size_t i, size_t group) {
    score_groups<Cache, Q, G>(keys_ + group * kKeyLanes * head_dim_, scales_of(group), head_dim_,
                              prefetch(), q_ + i, factor_, row(i) + group * kKeyLanes);
  }

  void scores() {
    each_tile([&](auto count, size_t i) {
      constexpr int Q = decltype(count)::value;
      const size_t n = n_groups(i + Q);
      size_t group = 0;
      for (; group + kTileGroups <= n; group += kTileGroups) score<Q, kTileGroups>(i, group);
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
      for (size_t g = 0; g < n_decoded; ++g) {
        each_element<Cache, 1>(
            keys_ + (group + g) * group_elems, scales_of(group + g), head_dim_, false,
            [&](size_t d, const V16* k) { v_store(keys + g * group_elems + d * kKeyLanes, k[0]); });
      }
      each_tile([&](auto count, size_t i) {
        constexpr int Q = decltype(count)::value;
        float* to = row(i) + group * kKeyLanes;
        if (group >= n_groups(i + Q)) return;
        if (n_decoded == kTileGroups) {
          score_groups<CacheF32, Q, kTileGroups>(keys, nullptr, head_dim_, false, q_ + i, factor_,
                                                 to);
        } else {
          for (size_t g = 0; g < n_decoded; ++g) {
            score_groups<CacheF32, Q, 1>(keys + g * group_elems, nullptr, head_dim_, false, q_ + i,
                                         factor_, to + g * kKeyLanes);
          }
        }
      });
    }
  }

  // Adds N vectors of all values, element d on, to all queries: what the first query of a tile sees
  // to all of its queries, the rest one by one, because a weight of zero would not keep out a value
  // that is infinite.
  template <typename Values, int N>
  void add(const typename Values::Element* values, size_t stride, const float* scales, size_t d) {
    each_tile([&](auto count, size_t i) {
      constexpr int Q = decltype(count)::value;
      const bool ahead = prefetch();
      add_values<Values, Q, N>(values, stride, scales, ahead, row(i), 0, seen_[i], out_ + i, d);
      for (size_t j = i + 1; j < i + Q; ++j) {
        if (seen_[j] == seen_[i]) continue;
        add_values<Values, 1, N>(values, stride, scales, ahead, row(j), seen_[i], seen_[j],
                                 out_ + j, d);
      }
    });
  }

  template <int N>
  void add_vectors(size_t d) {
    alignas(64) float scales[kAttentionBlock];
    if constexpr (Cache::kScaled) value_scales(d, scales);
    add<Cache, N>(values_ + d, head_dim_, scales, d);
  }

  void add_decoded(size_t d) {
    alignas(64) float scales[kAttentionBlock];
    alignas(64) float values[kAttentionBlock * 16 * kTileVectors];
    if constexpr (Cache::kScaled) value_scales(d, scales);
    for (size_t pos = 0; pos < seen_[n_ - 1]; ++pos) {
      for (size_t n = 0; n < kTileVectors; ++n) {
        V16 v = Cache::load(values_ + pos * head_dim_ + d + 16 * n);
        if constexpr (Cache::kScaled) v = v_mul(v, v_set1(scales[pos]));
        v_store(values + (pos * kTileVectors + n) * 16, v);
      }
    }
    add<CacheF32, kTileVectors>(values, 16 * kTileVectors, nullptr, d);
  }

  // The scales of element d of the values, by position.
  void value_scales(size_t d, float* scales) const {
    const size_t n = n_groups(n_);
    for (size_t group = 0; group < n; ++group) {
      v_store(
          scales + group * kKeyLanes,
          v_load_bf16(value_scales_ + (group * blocks_of(head_dim_) + d / kKvBlock) * kKeyLanes));
    }
  }

  // The last head_dim % 16 elements.
  void add_elements(size_t d) {
    alignas(64) float scales[kAttentionBlock];
    if constexpr (Cache::kScaled) value_scales(d, scales);
    for (; d < head_dim_; ++d) {
      for (size_t i = 0; i < n_; ++i) {
        float sum = 0.0f;
        for (size_t pos = 0; pos < seen_[i]; ++pos) {
          float v = Cache::to_f32(values_[pos * head_dim_ + d]);
          if constexpr (Cache::kScaled) v = v * scales[pos];
          sum = sum + row(i)[pos] * v;
        }
        out_[i][d] = sum;
      }
    }
  }

  const Element* const keys_;
  const Element* const values_;
  const uint16_t* const key_scales_;
  const uint16_t* const value_scales_;
  const size_t head_dim_, n_;
  const V16 factor_;
  const float* q_[kBatchQueries];
  float* out_[kBatchQueries];
  size_t seen_[kBatchQueries];
  alignas(64) float weights_[kBatchQueries * kAttentionBlock];
};

template <typename Cache>
inline void attend(const AttentionBlock& b) {
  for (size_t first = 0; first < b.n_queries; first += kBatchQueries) {
    Batch<Cache> batch(b, first, smaller(kBatchQueries, b.n_queries - first));
    batch.run(b.maxima + first, b.sums + first);
  }
}

}  // namespace

void attention_f32(const AttentionBlock& block) noexcept { attend<CacheF32>(block); }
void attention_f16(const AttentionBlock& block) noexcept { attend<CacheF16>(block); }
void attention_q8(const AttentionBlock& block) noexcept { attend<CacheQ8>(block); }

// As QuantizeKvFn.
void quantize_kv_q8(const float* x, size_t n, int8_t* q, uint16_t* scales) noexcept {
  const V16 magic = v_set1(kRoundMagic);
  int32_t unused[kPartialSums] = {};
  for (size_t begin = 0; begin < n; begin += kKvBlock) {
    const size_t count = smaller(kKvBlock, n - begin);
    V16 v[2];
    V16 largest = v_set1(kMinKvAbsmax);
    for (size_t half = 0; half < 2; ++half) {
      const size_t at = 16 * half;
      const float* from = x + begin + at;
      v[half] = count >= at + 16 ? v_load(from) : load_tail(from, count > at ? count - at : 0);
      largest = v_abs_bits_max(largest, v[half]);
    }
    const uint16_t scale = f32_to_bf16(f32_from_bits(largest_bits(largest)) / 127.0f);
    const V16 inverse = v_set1(1.0f / bf16_to_f32(scale));
    scales[begin / kKvBlock] = scale;
    for (size_t half = 0; half < 2 && count > 16 * half; ++half) {
      const V16 rounded = v_sub(v_add(v_mul(v[half], inverse), magic), magic);
      int8_t codes[16];
      v_quantize(rounded, codes, unused);
      memcpy(q + begin + 16 * half, codes, smaller(16, count - 16 * half));
    }
  }
}

// Overrides of the attention entries.
void fill_attention(KernelTable& table) noexcept {
  table.attention_f32 = attention_f32;
  table.attention_f16 = attention_f16;
  table.attention_q8 = attention_q8;
  table.quantize_kv_q8 = quantize_kv_q8;
}
