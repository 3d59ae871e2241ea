// The specification of attention over one block of positions.
#include <math.h>

#include "kernels/half.h"
#include "kernels/scalar/scalar.h"

namespace tern::kernels::scalar {
namespace {

float to_f32(float element) { return element; }
float to_f32(uint16_t element) { return f16_to_f32(element); }

// Scores of n positions for one query, group of keys by group.
template <typename Element>
void score(const AttentionBlock& b, const float* q, size_t n, float* scores) {
  const auto* keys = static_cast<const Element*>(b.keys);
  for (size_t first = 0; first < n; first += kKeyLanes) {
    float sums[kKeyLanes] = {};
    for (size_t d = 0; d < b.head_dim; ++d) {
      const Element* lanes = keys + (first * b.head_dim + d * kKeyLanes);
      for (size_t i = 0; i < kKeyLanes; ++i) sums[i] = sums[i] + q[d] * to_f32(lanes[i]);
    }
    for (size_t i = 0; i < kKeyLanes && first + i < n; ++i) scores[first + i] = sums[i] * b.scale;
  }
}

template <typename Element>
void attend(const AttentionBlock& b) {
  const auto* values = static_cast<const Element*>(b.values);
  float weights[kAttentionBlock];
  for (size_t r = 0; r < b.n_queries; ++r) {
    const size_t token = r / b.n_rep;
    const size_t head = (r % b.n_rep) * b.head_dim;
    const size_t seen = b.n_positions + token;
    const size_t n = seen < kAttentionBlock ? seen : kAttentionBlock;
    score<Element>(b, b.q + token * b.q_stride + head, n, weights);
    float max = -HUGE_VALF;
    for (size_t pos = 0; pos < n; ++pos) max = weights[pos] > max ? weights[pos] : max;
    b.maxima[r] = max;
    b.sums[r] = exp_sum(weights, n, max);
    float* out = b.out + token * b.out_stride + head;
    for (size_t d = 0; d < b.head_dim; ++d) out[d] = 0.0f;
    for (size_t pos = 0; pos < n; ++pos) {
      const Element* value = values + pos * b.head_dim;
      for (size_t d = 0; d < b.head_dim; ++d) out[d] = out[d] + weights[pos] * to_f32(value[d]);
    }
  }
}

}  // namespace

void attention_f32(const AttentionBlock& block) noexcept { attend<float>(block); }
void attention_f16(const AttentionBlock& block) noexcept { attend<uint16_t>(block); }

}  // namespace tern::kernels::scalar
