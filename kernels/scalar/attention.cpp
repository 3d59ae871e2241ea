// The specification of attention over one block of positions, and of what a cache in q8 holds.
#include <math.h>

#include "kernels/exp_constants.h"
#include "kernels/half.h"
#include "kernels/scalar/scalar.h"

namespace tern::kernels::scalar {
namespace {

size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// The elements of a cache as floats: key(pos, d) and value(pos, d).
class Elements {
 public:
  explicit Elements(const AttentionBlock& b) : b_(b) {}

 protected:
  size_t key_at(size_t pos, size_t d) const {
    return (pos / kKeyLanes * b_.head_dim + d) * kKeyLanes + pos % kKeyLanes;
  }
  size_t value_at(size_t pos, size_t d) const { return pos * b_.head_dim + d; }
  const AttentionBlock& b_;
};

class F32 : public Elements {
 public:
  using Elements::Elements;
  float key(size_t pos, size_t d) const {
    return static_cast<const float*>(b_.keys)[key_at(pos, d)];
  }
  float value(size_t pos, size_t d) const {
    return static_cast<const float*>(b_.values)[value_at(pos, d)];
  }
};

class F16 : public Elements {
 public:
  using Elements::Elements;
  float key(size_t pos, size_t d) const {
    return f16_to_f32(static_cast<const uint16_t*>(b_.keys)[key_at(pos, d)]);
  }
  float value(size_t pos, size_t d) const {
    return f16_to_f32(static_cast<const uint16_t*>(b_.values)[value_at(pos, d)]);
  }
};

// A query of a block: its elements, where its results go, and how many positions it sees.
struct Query {
  Query(const AttentionBlock& b, size_t r)
      : q(b.q + r / b.n_rep * b.q_stride + r % b.n_rep * b.head_dim),
        out(b.out + r / b.n_rep * b.out_stride + r % b.n_rep * b.head_dim),
        n(smaller(b.n_positions + r / b.n_rep, kAttentionBlock)) {}

  const float* q;
  float* out;
  size_t n;
};

// Multiplies n sums of products by the scale and makes weights of them.
void weigh(const AttentionBlock& b, size_t r, float* weights, size_t n) {
  float max = -HUGE_VALF;
  for (size_t pos = 0; pos < n; ++pos) {
    weights[pos] = weights[pos] * b.scale;
    max = weights[pos] > max ? weights[pos] : max;
  }
  b.maxima[r] = max;
  b.sums[r] = exp_sum(weights, n, max);
}

template <typename Cache>
void attend(const AttentionBlock& b) {
  const Cache cache(b);
  float weights[kAttentionBlock];
  for (size_t r = 0; r < b.n_queries; ++r) {
    const Query query(b, r);
    for (size_t pos = 0; pos < query.n; ++pos) weights[pos] = 0.0f;
    for (size_t d = 0; d < b.head_dim; ++d) {
      for (size_t pos = 0; pos < query.n; ++pos) {
        weights[pos] = weights[pos] + query.q[d] * cache.key(pos, d);
      }
    }
    weigh(b, r, weights, query.n);
    for (size_t d = 0; d < b.head_dim; ++d) query.out[d] = 0.0f;
    for (size_t pos = 0; pos < query.n; ++pos) {
      for (size_t d = 0; d < b.head_dim; ++d) {
        query.out[d] = query.out[d] + weights[pos] * cache.value(pos, d);
      }
    }
  }
}

// Integers that stand for the floats x [n], up to kMaxFactor; returns the step between them.
float to_factors(const float* x, size_t n, int32_t* factors) {
  // The largest magnitude, compared as bit patterns: a NaN is above infinity and cannot get lost.
  uint32_t largest = f32_bits(kMinKvAbsmax);
  for (size_t i = 0; i < n; ++i) {
    const uint32_t bits = f32_bits(x[i]) & 0x7fffffffu;
    largest = bits > largest ? bits : largest;
  }
  const float absmax = f32_from_bits(largest);
  const float inverse = kMaxFactor / absmax;
  for (size_t i = 0; i < n; ++i) {
    factors[i] =
        largest < kInfinityBits ? static_cast<int32_t>(round_half_even(x[i] * inverse)) : 0;
  }
  return absmax / kMaxFactor;
}

}  // namespace

void attention_q8(const AttentionBlock& b) noexcept {
  const auto* keys = static_cast<const int8_t*>(b.keys);
  const auto* values = static_cast<const int8_t*>(b.values);
  const size_t n_blocks = (b.head_dim + kKvBlock - 1) / kKvBlock;
  const size_t n_quads = (b.head_dim + 3) / 4;
  const auto scale_at = [&](size_t pos, size_t block) {
    return (pos / kKeyLanes * n_blocks + block) * kKeyLanes + pos % kKeyLanes;
  };
  float weights[kAttentionBlock];
  float scaled[kAttentionBlock];
  int32_t factors[kAttentionBlock];
  for (size_t r = 0; r < b.n_queries; ++r) {
    const Query query(b, r);
    for (size_t pos = 0; pos < query.n; ++pos) weights[pos] = 0.0f;
    for (size_t block = 0; block < n_blocks; ++block) {
      const size_t first = block * kKvBlock;
      const size_t count = smaller(kKvBlock, b.head_dim - first);
      const float step = to_factors(query.q + first, count, factors);
      for (size_t pos = 0; pos < query.n; ++pos) {
        int32_t sum = 0;
        for (size_t i = 0; i < count; ++i) {
          const size_t d = first + i;
          const size_t at = (pos / kKeyLanes * n_quads + d / 4) * kKeyLanes + pos % kKeyLanes;
          sum += factors[i] * keys[4 * at + d % 4];
        }
        weights[pos] = weights[pos] + static_cast<float>(sum) *
                                          (step * bf16_to_f32(b.key_scales[scale_at(pos, block)]));
      }
    }
    weigh(b, r, weights, query.n);
    for (size_t block = 0; block < n_blocks; ++block) {
      for (size_t pos = 0; pos < query.n; ++pos) {
        scaled[pos] = weights[pos] * bf16_to_f32(b.value_scales[scale_at(pos, block)]);
      }
      const float step = to_factors(scaled, query.n, factors);
      const size_t first = block * kKvBlock;
      for (size_t d = first; d < first + smaller(kKvBlock, b.head_dim - first); ++d) {
        int32_t sum = 0;
        for (size_t pos = 0; pos < query.n; ++pos) {
          sum += factors[pos] * values[4 * (pos / 4 * b.head_dim + d) + pos % 4];
        }
        query.out[d] = static_cast<float>(sum) * step;
      }
    }
  }
}

void attention_f32(const AttentionBlock& block) noexcept { attend<F32>(block); }
void attention_f16(const AttentionBlock& block) noexcept { attend<F16>(block); }

void quantize_kv_q8(const float* x, size_t n, int8_t* q, uint16_t* scales) noexcept {
  for (size_t begin = 0; begin < n; begin += kKvBlock) {
    const size_t end = n - begin < kKvBlock ? n : begin + kKvBlock;
    // The largest magnitude, compared as bit patterns: a NaN is above infinity and cannot get lost.
    uint32_t largest = f32_bits(kMinKvAbsmax);
    for (size_t i = begin; i < end; ++i) {
      const uint32_t bits = f32_bits(x[i]) & 0x7fffffffu;
      largest = bits > largest ? bits : largest;
    }
    const uint16_t scale = f32_to_bf16(f32_from_bits(largest) / 127.0f);
    const float inverse = 1.0f / bf16_to_f32(scale);
    scales[begin / kKvBlock] = scale;
    for (size_t i = begin; i < end; ++i) {
      float v = round_half_even(x[i] * inverse);
      // Nothing finite gets here beyond 127; a NaN becomes -128.
      v = v > -128.0f ? v : -128.0f;
      v = v < 127.0f ? v : 127.0f;
      q[i] = static_cast<int8_t>(v);
    }
  }
}

}  // namespace tern::kernels::scalar
