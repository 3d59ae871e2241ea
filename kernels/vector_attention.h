// Attention over one block of positions, written once for every vector ISA on top of its v16.h. The
// including file defines, in an unnamed namespace of its ISA namespace,
//
//   kTileQueries  most queries computed together, 4 or 8: each element of a key or value is loaded
//                 and converted once for all of them
//   kTileGroups   groups of 16 keys taken together, and
//   kTileVectors  vectors of a value taken together: enough chains of sums to hide the latency of
//                 an addition, few enough for the registers
//
// Sums are formed element by element in the order of the contract, and lanes never meet: tiles of
// any shape give the same bits. REQUIRES the includer to have included <math.h>, exp_constants.h,
// half.h, kernel_table.h and v16.h.

#include "kernels/vector_exp.h"

namespace {

// How many positions ahead of its use a value is asked for; keys are one turn of the loop ahead.
constexpr size_t kValuePrefetch = 16;

inline V16 load_lanes(const float* p) { return v_load(p); }
inline V16 load_lanes(const uint16_t* p) { return v_load_f16(p); }
inline float to_f32(float element) { return element; }
inline float to_f32(uint16_t element) { return tern::kernels::f16_to_f32(element); }

// Scores of Q queries for G groups of keys, into rows of kAttentionBlock.
template <int Q, int G, typename Element>
inline void score_groups(const Element* keys, size_t head_dim, const float* const* q, V16 scale,
                         float* scores) {
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
      const Element* lanes = keys + static_cast<size_t>(g) * group + d * kKeyLanes;
      k[g] = load_lanes(lanes);
      if (Q <= 4) __builtin_prefetch(lanes + G * group);
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
          v_mul(sums[i][g], scale));
    }
  }
}

// Adds the values of positions [begin, end), times their weights, to N vectors of Q rows.
template <int Q, int N, typename Element>
inline void add_values(const Element* values, size_t head_dim, const float* weights, size_t begin,
                       size_t end, float* const* out, size_t d) {
  V16 sums[Q][N];
#pragma GCC unroll 8
  for (int i = 0; i < Q; ++i) {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) sums[i][n] = begin == 0 ? v_zero() : v_load(out[i] + d + 16 * n);
  }
  for (size_t pos = begin; pos < end; ++pos) {
    const Element* row = values + pos * head_dim + d;
    V16 v[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      v[n] = load_lanes(row + 16 * n);
      if (Q <= 4) __builtin_prefetch(row + 16 * n + kValuePrefetch * head_dim);
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

// The same for whole rows.
template <int Q, typename Element>
inline void add_rows(const Element* values, size_t head_dim, const float* weights, size_t begin,
                     size_t end, float* const* out) {
  size_t d = 0;
  for (; d + 16 * kTileVectors <= head_dim; d += 16 * kTileVectors) {
    add_values<Q, kTileVectors>(values, head_dim, weights, begin, end, out, d);
  }
  for (; d + 16 <= head_dim; d += 16) {
    add_values<Q, 1>(values, head_dim, weights, begin, end, out, d);
  }
  for (; d < head_dim; ++d) {
    for (int i = 0; i < Q; ++i) {
      float sum = begin == 0 ? 0.0f : out[i][d];
      for (size_t pos = begin; pos < end; ++pos) {
        sum = sum + weights[static_cast<size_t>(i) * kAttentionBlock + pos] *
                        to_f32(values[pos * head_dim + d]);
      }
      out[i][d] = sum;
    }
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

// Queries [first, first + Q).
template <int Q, typename Element>
inline void attend_tile(const AttentionBlock& b, size_t first) {
  const auto* keys = static_cast<const Element*>(b.keys);
  const auto* values = static_cast<const Element*>(b.values);
  alignas(64) float weights[Q * kAttentionBlock];
  const float* q[Q];
  float* out[Q];
  size_t seen[Q];
  for (size_t i = 0; i < Q; ++i) {
    const size_t token = (first + i) / b.n_rep;
    const size_t head = (first + i) % b.n_rep * b.head_dim;
    q[i] = b.q + token * b.q_stride + head;
    out[i] = b.out + token * b.out_stride + head;
    const size_t n = b.n_positions + token;
    seen[i] = n < kAttentionBlock ? n : kAttentionBlock;
  }

  const V16 scale = v_set1(b.scale);
  const size_t n_groups = (seen[Q - 1] + kKeyLanes - 1) / kKeyLanes;
  size_t group = 0;
  for (; group + kTileGroups <= n_groups; group += kTileGroups) {
    score_groups<Q, kTileGroups>(keys + group * kKeyLanes * b.head_dim, b.head_dim, q, scale,
                                 weights + group * kKeyLanes);
  }
  for (; group < n_groups; ++group) {
    score_groups<Q, 1>(keys + group * kKeyLanes * b.head_dim, b.head_dim, q, scale,
                       weights + group * kKeyLanes);
  }
  for (size_t i = 0; i < Q; ++i) {
    float* row = weights + i * kAttentionBlock;
    const float max = max_of(row, seen[i]);
    b.maxima[first + i] = max;
    b.sums[first + i] = exp_and_sum(row, seen[i], max);
  }

  // What the tile's first query sees all of them see; the rest one by one, because a weight of zero
  // would not keep out a value that is infinite.
  add_rows<Q>(values, b.head_dim, weights, 0, seen[0], out);
  for (size_t i = 1; i < Q; ++i) {
    if (seen[i] == seen[0]) continue;
    add_rows<1>(values, b.head_dim, weights + i * kAttentionBlock, seen[0], seen[i], out + i);
  }
}

template <typename Element>
inline void attend(const AttentionBlock& b) {
  size_t r = 0;
  for (; r + kTileQueries <= b.n_queries; r += kTileQueries) {
    attend_tile<kTileQueries, Element>(b, r);
  }
  if (kTileQueries > 4 && r + 4 <= b.n_queries) {
    attend_tile<4, Element>(b, r);
    r += 4;
  }
  if (r + 2 <= b.n_queries) {
    attend_tile<2, Element>(b, r);
    r += 2;
  }
  if (r < b.n_queries) attend_tile<1, Element>(b, r);
}

}  // namespace

void attention_f32(const AttentionBlock& block) noexcept { attend<float>(block); }
void attention_f16(const AttentionBlock& block) noexcept { attend<uint16_t>(block); }

// Overrides of the attention entries.
void fill_attention(KernelTable& table) noexcept {
  table.attention_f32 = attention_f32;
  table.attention_f16 = attention_f16;
}
