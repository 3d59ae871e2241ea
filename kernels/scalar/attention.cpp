// The specification of attention over one block of positions, and of what a cache in q8 holds.
#include <math.h>

#include "kernels/exp_constants.h"
#include "kernels/half.h"
#include "kernels/scalar/scalar.h"

namespace tern::kernels::scalar {
namespace {

// The elements of a cache as floats: key(pos, d) and value(pos, d).
class Elements {
 public:
  explicit Elements(const AttentionBlock& b) : b_(b) {}

 protected:
  size_t key_at(size_t pos, size_t d) const {
    return (pos / kKeyLanes * b_.head_dim + d) * kKeyLanes + pos % kKeyLanes;
  }
  size_t value_at(size_t pos, size_t d) const { return pos * b_.head_dim + d; }
  size_t scale_at(size_t pos, size_t d) const {
    const size_t n_blocks = (b_.head_dim + kKvBlock - 1) / kKvBlock;
    return (pos / kKeyLanes * n_blocks + d / kKvBlock) * kKeyLanes + pos % kKeyLanes;
  }
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

class Q8 : public Elements {
 public:
  using Elements::Elements;
  float key(size_t pos, size_t d) const {
    const auto code = static_cast<float>(static_cast<const int8_t*>(b_.keys)[key_at(pos, d)]);
    return code * bf16_to_f32(b_.key_scales[scale_at(pos, d)]);
  }
  float value(size_t pos, size_t d) const {
    const auto code = static_cast<float>(static_cast<const int8_t*>(b_.values)[value_at(pos, d)]);
    return code * bf16_to_f32(b_.value_scales[scale_at(pos, d)]);
  }
};

template <typename Cache>
void attend(const AttentionBlock& b) {
  const Cache cache(b);
  float weights[kAttentionBlock];
  for (size_t r = 0; r < b.n_queries; ++r) {
    const size_t token = r / b.n_rep;
    const size_t head = (r % b.n_rep) * b.head_dim;
    const float* q = b.q + token * b.q_stride + head;
    float* out = b.out + token * b.out_stride + head;
    const size_t seen = b.n_positions + token;
    const size_t n = seen < kAttentionBlock ? seen : kAttentionBlock;
    float max = -HUGE_VALF;
    for (size_t pos = 0; pos < n; ++pos) weights[pos] = 0.0f;
    for (size_t d = 0; d < b.head_dim; ++d) {
      for (size_t pos = 0; pos < n; ++pos) weights[pos] = weights[pos] + q[d] * cache.key(pos, d);
    }
    for (size_t pos = 0; pos < n; ++pos) {
      weights[pos] = weights[pos] * b.scale;
      max = weights[pos] > max ? weights[pos] : max;
    }
    b.maxima[r] = max;
    b.sums[r] = exp_sum(weights, n, max);
    for (size_t d = 0; d < b.head_dim; ++d) out[d] = 0.0f;
    for (size_t pos = 0; pos < n; ++pos) {
      for (size_t d = 0; d < b.head_dim; ++d) {
        out[d] = out[d] + weights[pos] * cache.value(pos, d);
      }
    }
  }
}

}  // namespace

void attention_f32(const AttentionBlock& block) noexcept { attend<F32>(block); }
void attention_f16(const AttentionBlock& block) noexcept { attend<F16>(block); }
void attention_q8(const AttentionBlock& block) noexcept { attend<Q8>(block); }

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
      float v = (x[i] * inverse + kRoundMagic) - kRoundMagic;
      // Nothing finite gets here beyond 127; a NaN becomes -128.
      v = v > -128.0f ? v : -128.0f;
      v = v < 127.0f ? v : 127.0f;
      q[i] = static_cast<int8_t>(v);
    }
  }
}

}  // namespace tern::kernels::scalar
