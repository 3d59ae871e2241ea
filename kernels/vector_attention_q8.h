// Attention over keys and values in q8, written once for every vector ISA. Included by
// vector_attention.h. The including file defines, in an unnamed namespace of its ISA namespace,
//
//   kFactorQueries, kFactorVectors  most queries, and vectors of 16 lanes, multiplied together
//   store_factors(V16 x, int16_t* to)  stores 16 integers, |x| <= kMaxFactor, in the set's own
//                 order of 32 bytes, 8 for each four
//   factor_sum(V16 x)  the sum of 16 integers, at most kAttentionBlock * kMaxFactor, for the set's
//                 own use in factor_products
//   factor_products<Q, N, row>(codes, next_vector, step, n_quads, factors, sums, ahead, out)
//                 for N vectors of 16 lanes, next_vector bytes apart, and Q rows of factors, `row`
//                 of them apart: out[i][n], lane by lane, is float(the exact sum over n_quads
//                 quads, `step` bytes apart, of four codes of the lane times four factors of row
//                 i). sums[i] is factor_sum() of the row's factors of these quads. ahead(quad) is
//                 called once a quad.
//
// Integer sums have no order, so that tiles of any shape give the same bits. REQUIRES repeat.h,
// too.

namespace {

// Elements of the queries that are made integers at once, for 32 queries 32 KiB.
constexpr size_t kQueryChunk = 512;
constexpr size_t kLaneBytes = 4;                         // codes of a lane
constexpr size_t kVectorBytes = kLaneBytes * kKeyLanes;  // of 16 lanes

// Factors of x [n]; the rest of `to` up to n_padded, a multiple of 16, becomes zero. get(i, count)
// gives x[i ...] as a vector, zeros beyond count. Returns the step; *sum is that of the factors.
template <typename Get>
inline float make_factors(size_t n, size_t n_padded, Get get, int16_t* to, int32_t* sum) {
  V16 largest = v_set1(kMinKvAbsmax);
  for (size_t i = 0; i < n; i += 16) {
    largest = v_abs_bits_max(largest, get(i, smaller(16, n - i)));
  }
  const float absmax = f32_from_bits(v_largest_bits(largest));
  // Sums of whole numbers, exact in f32.
  V16 total = v_zero();
  size_t i = 0;
  if (f32_bits(absmax) < kInfinityBits) {
    const V16 inverse = v_set1(kMaxFactor / absmax);
    for (; i < n; i += 16) {
      V16 x = v_mul(get(i, smaller(16, n - i)), inverse);
      x = v_round(x);
      store_factors(x, to + i);
      total = v_add(total, x);
    }
  }
  *sum = factor_sum(total);
  for (; i < n_padded; i += 16) store_factors(v_zero(), to + i);
  return absmax / kMaxFactor;
}

class BatchQ8 : Queries {
 public:
  BatchQ8(const AttentionBlock& b, size_t first, size_t n)
      : Queries(b, first, n),
        keys_(static_cast<const int8_t*>(b.keys)),
        values_(static_cast<const int8_t*>(b.values)),
        key_scales_(b.key_scales),
        value_scales_(b.value_scales),
        n_blocks_((head_dim_ + kKvBlock - 1) / kKvBlock),
        group_bytes_((head_dim_ + 3) / 4 * kVectorBytes) {}

  void run(float* maxima, float* sums) {
    for (size_t begin = 0; begin < head_dim_; begin += kQueryChunk) scores(begin);
    weigh(maxima, sums);
    for (size_t block = 0; block < n_blocks_; ++block) add_values(block);
  }

 private:
  size_t elements_of(size_t block) const { return smaller(kKvBlock, head_dim_ - block * kKvBlock); }

  // Adds the products of elements [begin, begin + kQueryChunk) to the scores.
  void scores(size_t begin) {
    const size_t end = smaller(begin + kQueryChunk, head_dim_);
    const size_t first_block = begin / kKvBlock;
    const size_t n_blocks = (end - begin + kKvBlock - 1) / kKvBlock;
    for (size_t i = 0; i < n_; ++i) {
      for (size_t b = 0; b < n_blocks; ++b) {
        const float* from = q_[i] + begin + b * kKvBlock;
        const auto get = [from](size_t at, size_t count) {
          return count == 16 ? v_load(from + at) : load_tail(from + at, count);
        };
        steps_[b][i] = make_factors(elements_of(first_block + b), kKvBlock, get,
                                    factors_ + i * kQueryChunk + b * kKvBlock, &sums_[b][i]);
      }
    }
    each_tile<kFactorQueries>([&](auto count, size_t i) {
      constexpr int Q = decltype(count)::value;
      const size_t n = n_groups(i + Q);
      size_t group = 0;
      for (; group + kFactorVectors <= n; group += kFactorVectors) {
        score<Q, kFactorVectors>(i, group, first_block, n_blocks);
      }
      for (; group < n; ++group) score<Q, 1>(i, group, first_block, n_blocks);
    });
  }

  // Of a tile of Q queries for groups [group, group + G).
  template <int Q, int G>
  void score(size_t i, size_t group, size_t first_block, size_t n_blocks) {
    V16 scores[Q][G];
    for (size_t r = 0; r < Q; ++r) {
      for (size_t g = 0; g < G; ++g) {
        const float* at = row(i + r) + (group + g) * kKeyLanes;
        scores[r][g] = first_block == 0 ? v_zero() : v_load(at);
      }
    }
    const size_t group_bytes = group_bytes_;
    const size_t group_at = group * group_bytes;
    const bool first = i == 0;
    for (size_t b = 0; b < n_blocks; ++b) {
      const size_t block = first_block + b;
      const size_t at = group_at + block * (kKvBlock / 4) * kVectorBytes;
      // The next keys and, because those of 16 positions take as much room, the values.
      const int8_t* const next_keys = keys_ + at + G * group_bytes;
      const int8_t* const values = values_ + at;
      V16 products[Q][G];
      factor_products<Q, G, kQueryChunk>(
          keys_ + at, group_bytes, kVectorBytes, (elements_of(block) + 3) / 4,
          factors_ + i * kQueryChunk + b * kKvBlock, sums_[b] + i,
          [=](size_t quad) TERN_INLINE_BODY {
            if (!first) return;
            for (size_t g = 0; g < G; ++g) {
              __builtin_prefetch(next_keys + quad * kVectorBytes + g * group_bytes);
              __builtin_prefetch(values + quad * kVectorBytes + g * group_bytes);
            }
          },
          products);
      for (size_t g = 0; g < G; ++g) {
        const V16 scale = v_load_bf16(key_scales_ + ((group + g) * n_blocks_ + block) * kKeyLanes);
        for (size_t r = 0; r < Q; ++r) {
          const V16 step = v_mul(v_set1(steps_[b][i + r]), scale);
          scores[r][g] = v_add(scores[r][g], v_mul(products[r][g], step));
        }
      }
    }
    const bool last = first_block + n_blocks == n_blocks_;
    for (size_t r = 0; r < Q; ++r) {
      for (size_t g = 0; g < G; ++g) {
        v_store(row(i + r) + (group + g) * kKeyLanes,
                last ? v_mul(scores[r][g], factor_) : scores[r][g]);
      }
    }
  }

  // The elements of a block of all queries' results.
  void add_values(size_t block) {
    alignas(64) float scales[kAttentionBlock];
    const size_t n = n_groups(n_);
    for (size_t group = 0; group < n; ++group) {
      v_store(scales + group * kKeyLanes,
              v_load_bf16(value_scales_ + (group * n_blocks_ + block) * kKeyLanes));
    }
    float steps[kBatchQueries];
    int32_t sums[kBatchQueries];
    const size_t n_padded = n * kKeyLanes;
    for (size_t i = 0; i < n_; ++i) {
      const float* weights = row(i);
      const auto get = [&](size_t at, size_t count) {
        if (count == 16) return v_mul(v_load(weights + at), v_load(scales + at));
        return v_mul(load_tail(weights + at, count), load_tail(scales + at, count));
      };
      steps[i] = make_factors(seen_[i], n_padded, get, factors_ + i * kAttentionBlock, &sums[i]);
    }
    const size_t begin = block * kKvBlock;
    const size_t count = elements_of(block);
    if (head_dim_ < 16) {
      for (size_t i = 0; i < n_; ++i) add_elements(i, count, sums + i, steps[i]);
      return;
    }
    each_tile<kFactorQueries>([&](auto queries, size_t i) {
      constexpr int Q = decltype(queries)::value;
      // Two vectors where the block has more than 16 elements, which may overlap.
      if (count > 16) {
        if constexpr (kFactorVectors == 2) {
          add<Q, 2>(i, begin, count - 16, sums, steps, 0);
        } else {
          add<Q, 1>(i, begin, 0, sums, steps, 0);
          add<Q, 1>(i, begin + count - 16, 0, sums, steps, 0);
        }
      } else {
        // One that begins in the block before, where the elements of this are fewer.
        add<Q, 1>(i, begin + count - 16, 0, sums, steps, 16 - count);
      }
    });
  }

  // N vectors of a tile's results, the second `next` elements behind the first, which begins at d;
  // the first `skip` lanes are of no use.
  template <int Q, int N>
  void add(size_t i, size_t d, size_t next, const int32_t* sums, const float* steps, size_t skip) {
    const int8_t* const codes = values_ + d * kLaneBytes;
    const size_t step = head_dim_ * kLaneBytes;
    const size_t next_vector = next * kLaneBytes;
    // The keys behind this block: in a long context those of the next one.
    const int8_t* const next_keys =
        keys_ + kAttentionBlock / kKeyLanes * group_bytes_ + d * kLaneBytes;
    const bool first = i == 0;
    V16 products[Q][N];
    factor_products<Q, N, kAttentionBlock>(
        codes, next_vector, step, (seen_[i + Q - 1] + 3) / 4, factors_ + i * kAttentionBlock,
        sums + i,
        [=](size_t quad) TERN_INLINE_BODY {
          if (!first) return;
          for (size_t v = 0; v < N; ++v) {
            __builtin_prefetch(next_keys + quad * step + v * next_vector);
          }
        },
        products);
    for (size_t r = 0; r < Q; ++r) {
      for (size_t v = 0; v < N; ++v) {
        const V16 y = v_mul(products[r][v], v_set1(steps[i + r]));
        float* to = out_[i + r] + d + v * next;
        if (skip == 0) {
          v_store(to, y);
        } else {
          alignas(64) float lanes[kPartialSums];
          v_store(lanes, y);
          memcpy(to + skip, lanes + skip, (16 - skip) * sizeof(float));
        }
      }
    }
  }

  // The same for heads of fewer than 16 elements, whose rows no vector fits in.
  void add_elements(size_t i, size_t count, const int32_t* sum, float step) {
    const size_t n_quads = (seen_[i] + 3) / 4;
    alignas(64) int8_t codes[kAttentionBlock / 4 * kVectorBytes];
    memset(codes, 0, sizeof(codes));
    for (size_t quad = 0; quad < n_quads; ++quad) {
      memcpy(codes + quad * kVectorBytes, values_ + quad * count * kLaneBytes, count * kLaneBytes);
    }
    V16 products[1][1];
    factor_products<1, 1, kAttentionBlock>(
        codes, 0, kVectorBytes, n_quads, factors_ + i * kAttentionBlock, sum, [](size_t) {},
        products);
    store_tail(out_[i], v_mul(products[0][0], v_set1(step)), count);
  }

  const int8_t* const keys_;
  const int8_t* const values_;
  const uint16_t* const key_scales_;
  const uint16_t* const value_scales_;
  const size_t n_blocks_, group_bytes_;
  // Of the queries' elements by blocks, while scores are computed; then factors of the weights.
  float steps_[kQueryChunk / kKvBlock][kBatchQueries];
  int32_t sums_[kQueryChunk / kKvBlock][kBatchQueries];
  alignas(64) int16_t factors_[kBatchQueries * kQueryChunk];
};

static_assert(kQueryChunk >= kAttentionBlock, "the factors of weights take the same room");

}  // namespace

void attention_q8(const AttentionBlock& block) noexcept { attend<BatchQ8>(block); }

// As QuantizeKvFn.
void quantize_kv_q8(const float* x, size_t n, int8_t* q, uint16_t* scales) noexcept {
  I16 unused = v_no_sums();
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
    const uint16_t scale = f32_to_bf16(f32_from_bits(v_largest_bits(largest)) / 127.0f);
    const V16 inverse = v_set1(1.0f / bf16_to_f32(scale));
    scales[begin / kKvBlock] = scale;
    for (size_t half = 0; half < 2 && count > 16 * half; ++half) {
      const V16 rounded = v_round(v_mul(v[half], inverse));
      int8_t codes[16];
      v_quantize(rounded, codes, unused);
      memcpy(q + begin + 16 * half, codes, smaller(16, count - 16 * half));
    }
  }
}
