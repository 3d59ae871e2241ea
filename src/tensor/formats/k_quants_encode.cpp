#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "tensor/formats/bytes.h"
#include "tensor/formats/k_quants.h"
#include "tensor/formats/rounding.h"

namespace tern::tensor {
namespace {

// Below this the inverse of a range could overflow; such a sub-block is zero in f16 anyway.
constexpr float kNegligible = 1e-30f;

// Candidates for the inverse scale lie around "the extreme element takes the extreme level", a
// tenth of a level apart: scaling a little more or less often places the many small elements
// better.
constexpr int kCandidates = 9;  // on either side
constexpr float kCandidateStep = 0.1f;

// Elements of a sub-block of Q3_K and Q6_K, and of Q4_K and Q5_K.
constexpr size_t kSymmetricElems = 16;
constexpr size_t kAffineElems = 32;

// Sums run in this many lanes, in an order of their own that does not depend on the compiler's
// vectors.
constexpr size_t kLanes = 8;

float sum_lanes(const std::array<float, kLanes>& lanes) {
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

// The scale s, of either sign, for which s * q, q in [-n_levels, n_levels), comes nearest
// to x [16].
float fit_symmetric(const float* x, int n_levels) {
  float peak = 0.0f;
  for (size_t i = 0; i < kSymmetricElems; ++i) {
    if (std::fabs(x[i]) > std::fabs(peak)) peak = x[i];
  }
  if (std::fabs(peak) < kNegligible) return 0.0f;
  const float levels = static_cast<float>(n_levels);
  float best_scale = -peak / levels;
  float best_gain = 0.0f;
  for (int candidate = -kCandidates; candidate <= kCandidates; ++candidate) {
    const float inverse = -(levels + kCandidateStep * static_cast<float>(candidate)) / peak;
    std::array<float, kLanes> xq{};
    std::array<float, kLanes> qq{};
    for (size_t begin = 0; begin < kSymmetricElems; begin += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const float value = x[begin + lane];
        const float q = nearest_clamped(value * inverse, -levels, levels - 1.0f);
        xq[lane] += value * q;
        qq[lane] += q * q;
      }
    }
    const float sum_xq = sum_lanes(xq);
    const float sum_qq = sum_lanes(qq);
    if (sum_qq == 0.0f) continue;
    // For these q the best scale is sum_xq / sum_qq; it leaves sum(x^2) - sum_xq^2 / sum_qq.
    const float scale = sum_xq / sum_qq;
    if (scale * sum_xq > best_gain) {
      best_gain = scale * sum_xq;
      best_scale = scale;
    }
  }
  return best_scale;
}

struct Affine {
  float scale = 0.0f;  // >= 0
  float min = 0.0f;    // >= 0; x is scale * q - min
};

// The scale and min for which scale * q - min, q in [0, max_q], comes nearest to x [32].
Affine fit_affine(const float* x, int max_q) {
  constexpr float kN = kAffineElems;
  float low = 0.0f;  // min cannot be negative, so 0 is always within the range
  float high = x[0];
  for (size_t i = 0; i < kAffineElems; ++i) {
    low = std::min(low, x[i]);
    high = std::max(high, x[i]);
  }
  const float range = high - low;
  if (range < kNegligible) return {0.0f, -low};
  const float top = static_cast<float>(max_q);
  Affine best;
  float best_error = -1.0f;
  for (int candidate = -kCandidates; candidate <= kCandidates; ++candidate) {
    const float inverse = (top + kCandidateStep * static_cast<float>(candidate)) / range;
    // y = x - low is fitted, which is not negative: sums of it cancel less than those of x.
    std::array<float, kAffineElems> q;
    std::array<float, kLanes> lanes_q{};
    std::array<float, kLanes> lanes_qq{};
    std::array<float, kLanes> lanes_y{};
    std::array<float, kLanes> lanes_yq{};
    for (size_t begin = 0; begin < kAffineElems; begin += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const float y = x[begin + lane] - low;
        const float level = nearest_clamped(y * inverse, 0.0f, top);
        q[begin + lane] = level;
        lanes_q[lane] += level;
        lanes_qq[lane] += level * level;
        lanes_y[lane] += y;
        lanes_yq[lane] += y * level;
      }
    }
    const float sum_q = sum_lanes(lanes_q);
    const float sum_qq = sum_lanes(lanes_qq);
    const float sum_y = sum_lanes(lanes_y);
    const float sum_yq = sum_lanes(lanes_yq);
    // Least squares for y = a q + b, so x = a q + (b + low); where that wants a positive constant,
    // which cannot be stored, for x = a q.
    const float determinant = kN * sum_qq - sum_q * sum_q;
    if (determinant <= 0.0f) continue;
    float a = (kN * sum_yq - sum_q * sum_y) / determinant;
    float constant = (sum_qq * sum_y - sum_q * sum_yq) / determinant + low;
    if (constant > 0.0f) {
      a = (sum_yq + low * sum_q) / sum_qq;
      constant = 0.0f;
    }
    if (a <= 0.0f) continue;
    std::array<float, kLanes> lanes_error{};
    for (size_t begin = 0; begin < kAffineElems; begin += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const float difference = a * q[begin + lane] + constant - x[begin + lane];
        lanes_error[lane] += difference * difference;
      }
    }
    const float error = sum_lanes(lanes_error);
    if (best_error < 0.0f || error < best_error) {
      best_error = error;
      best = {a, -constant};
    }
  }
  // All elements equal and positive give no determinant: the highest level stands for them.
  return best_error < 0.0f ? Affine{high / top, 0.0f} : best;
}

// The scales of Q3_K and Q6_K: d such that the sub-block scale of largest magnitude becomes
// -n_levels.
struct SymmetricBlock {
  uint16_t d = 0;
  std::array<int, 16> scales{};           // [-n_scale_levels, n_scale_levels)
  std::array<int, kSuperBlock> levels{};  // [-n_levels, n_levels)
};

SymmetricBlock quantize_symmetric(const float* x, int n_levels, int n_scale_levels) {
  SymmetricBlock block;
  std::array<float, 16> fitted;
  float peak = 0.0f;
  for (size_t j = 0; j < 16; ++j) {
    fitted[j] = fit_symmetric(x + kSymmetricElems * j, n_levels);
    if (std::fabs(fitted[j]) > std::fabs(peak)) peak = fitted[j];
  }
  block.d = finite_f16_away_from_zero(peak / static_cast<float>(-n_scale_levels));
  const float d = kernels::f16_to_f32(block.d);
  if (d == 0.0f) return block;
  for (size_t j = 0; j < 16; ++j) {
    block.scales[j] = round_clamped(fitted[j] / d, -n_scale_levels, n_scale_levels - 1);
    const float scale = d * static_cast<float>(block.scales[j]);
    if (scale == 0.0f) continue;
    for (size_t e = 16 * j; e < 16 * j + 16; ++e) {
      block.levels[e] = round_clamped(x[e] / scale, -n_levels, n_levels - 1);
    }
  }
  return block;
}

// The scales of Q4_K and Q5_K, written in place, and the levels for them.
std::array<unsigned, kSuperBlock> quantize_affine(const float* x, int max_q, uint8_t* out) {
  std::array<Affine, 8> fitted;
  float max_scale = 0.0f;
  float max_min = 0.0f;
  for (size_t j = 0; j < 8; ++j) {
    fitted[j] = fit_affine(x + kAffineElems * j, max_q);
    max_scale = std::max(max_scale, fitted[j].scale);
    max_min = std::max(max_min, fitted[j].min);
  }
  store_u16(out, finite_f16_away_from_zero(max_scale / 63.0f));
  store_u16(out + 2, finite_f16_away_from_zero(max_min / 63.0f));
  const float d = load_f16(out);
  const float dmin = load_f16(out + 2);
  uint8_t* packed = out + 4;
  std::memset(packed, 0, 12);
  std::array<unsigned, kSuperBlock> levels{};
  for (size_t j = 0; j < 8; ++j) {
    const int scale = d == 0.0f ? 0 : round_clamped(fitted[j].scale / d, 0, 63);
    const int min = dmin == 0.0f ? 0 : round_clamped(fitted[j].min / dmin, 0, 63);
    if (j < 4) {
      packed[j] = static_cast<uint8_t>(packed[j] | scale);
      packed[j + 4] = static_cast<uint8_t>(packed[j + 4] | min);
    } else {
      packed[j + 4] = static_cast<uint8_t>((scale & 15) | (min & 15) << 4);
      packed[j - 4] = static_cast<uint8_t>(packed[j - 4] | scale >> 4 << 6);
      packed[j] = static_cast<uint8_t>(packed[j] | min >> 4 << 6);
    }
    const float step = d * static_cast<float>(scale);
    const float offset = dmin * static_cast<float>(min);
    if (step == 0.0f) continue;
    for (size_t e = 32 * j; e < 32 * j + 32; ++e) {
      levels[e] = static_cast<unsigned>(round_clamped((x[e] + offset) / step, 0, max_q));
    }
  }
  return levels;
}

void set_bits(uint8_t& byte, unsigned value, size_t shift) {
  byte = static_cast<uint8_t>(byte | value << shift);
}

}  // namespace

void quantize_q3_k(const float* in, uint8_t* blocks, size_t n_blocks) {
  for (size_t n = 0; n < n_blocks; ++n) {
    uint8_t* out = blocks + n * kQ3KBytes;
    const SymmetricBlock block = quantize_symmetric(in + n * kSuperBlock, 4, 32);
    std::memset(out, 0, kQ3KBytes);
    for (size_t e = 0; e < kSuperBlock; ++e) {
      const unsigned q = static_cast<unsigned>(block.levels[e] + 4);
      set_bits(out[e % 32], q >> 2, e / 32);
      set_bits(out[32 + 32 * (e / 128) + e % 32], q & 3, 2 * (e % 128 / 32));
    }
    uint8_t* scales = out + 96;
    for (size_t j = 0; j < 16; ++j) {
      const unsigned scale = static_cast<unsigned>(block.scales[j] + 32);
      set_bits(scales[j % 8], scale & 15, 4 * (j / 8));
      set_bits(scales[8 + j % 4], scale >> 4, 2 * (j / 4));
    }
    store_u16(out + 108, block.d);
  }
}

void quantize_q4_k(const float* in, uint8_t* blocks, size_t n_blocks) {
  for (size_t n = 0; n < n_blocks; ++n) {
    uint8_t* out = blocks + n * kQ4KBytes;
    std::memset(out, 0, kQ4KBytes);
    const std::array<unsigned, kSuperBlock> q = quantize_affine(in + n * kSuperBlock, 15, out);
    for (size_t e = 0; e < kSuperBlock; ++e) {
      set_bits(out[16 + 32 * (e / 64) + e % 32], q[e], 4 * (e % 64 / 32));
    }
  }
}

void quantize_q5_k(const float* in, uint8_t* blocks, size_t n_blocks) {
  for (size_t n = 0; n < n_blocks; ++n) {
    uint8_t* out = blocks + n * kQ5KBytes;
    std::memset(out, 0, kQ5KBytes);
    const std::array<unsigned, kSuperBlock> q = quantize_affine(in + n * kSuperBlock, 31, out);
    for (size_t e = 0; e < kSuperBlock; ++e) {
      set_bits(out[16 + e % 32], q[e] >> 4, e / 32);
      set_bits(out[48 + 32 * (e / 64) + e % 32], q[e] & 15, 4 * (e % 64 / 32));
    }
  }
}

void quantize_q6_k(const float* in, uint8_t* blocks, size_t n_blocks) {
  for (size_t n = 0; n < n_blocks; ++n) {
    uint8_t* out = blocks + n * kQ6KBytes;
    const SymmetricBlock block = quantize_symmetric(in + n * kSuperBlock, 32, 128);
    std::memset(out, 0, kQ6KBytes);
    for (size_t e = 0; e < kSuperBlock; ++e) {
      const unsigned q = static_cast<unsigned>(block.levels[e] + 32);
      set_bits(out[64 * (e / 128) + e % 64], q & 15, 4 * (e % 128 / 64));
      set_bits(out[128 + 32 * (e / 128) + e % 32], q >> 4, 2 * (e % 128 / 32));
    }
    for (size_t j = 0; j < 16; ++j) out[192 + j] = static_cast<uint8_t>(block.scales[j]);
    store_u16(out + 208, block.d);
  }
}

}  // namespace tern::tensor
