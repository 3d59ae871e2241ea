#include "tensor/formats/bytes.h"
#include "tensor/formats/k_quants.h"

namespace tern::tensor {
namespace {

struct ScaleAndMin {
  unsigned scale;
  unsigned min;
};

// Sub-block j = 0..7 of the 12 scale bytes of Q4_K and Q5_K.
ScaleAndMin scale_and_min(const uint8_t* b, size_t j) {
  if (j < 4) return {b[j] & 63u, b[j + 4] & 63u};
  const unsigned low_bits = b[j + 4];
  const unsigned scale_high = b[j - 4] >> 6;
  const unsigned min_high = b[j] >> 6;
  return {(low_bits & 15) | scale_high << 4, low_bits >> 4 | min_high << 4};
}

}  // namespace

void dequantize_q3_k(const uint8_t* blocks, float* out, size_t n_blocks) {
  for (size_t block = 0; block < n_blocks; ++block) {
    const uint8_t* in = blocks + block * kQ3KBytes;
    const uint8_t* hmask = in;
    const uint8_t* scales = in + 96;
    float* x = out + block * kSuperBlock;
    const float d = load_f16(in + 108);
    for (size_t j = 0; j < 16; ++j) {
      const unsigned low = (j < 8 ? scales[j] : scales[j - 8] >> 4) & 15u;
      const unsigned high = (scales[8 + j % 4] >> (2 * (j / 4))) & 3u;
      const float scale = d * static_cast<float>(static_cast<int>(low | high << 4) - 32);
      const size_t e = 16 * j;
      const uint8_t* qs = in + 32 + 32 * (e / 128);
      const size_t shift = 2 * (e % 128 / 32);
      for (size_t i = 0; i < 16; ++i) {
        const size_t l = (e + i) % 32;
        const int q = (qs[l] >> shift & 3) | (hmask[l] >> (e / 32) & 1) << 2;
        x[e + i] = scale * static_cast<float>(q - 4);
      }
    }
  }
}

void dequantize_q4_k(const uint8_t* blocks, float* out, size_t n_blocks) {
  for (size_t block = 0; block < n_blocks; ++block) {
    const uint8_t* in = blocks + block * kQ4KBytes;
    float* x = out + block * kSuperBlock;
    const float d = load_f16(in);
    const float dmin = load_f16(in + 2);
    for (size_t j = 0; j < 8; ++j) {
      const ScaleAndMin sub = scale_and_min(in + 4, j);
      const float scale = d * static_cast<float>(sub.scale);
      const float min = dmin * static_cast<float>(sub.min);
      const uint8_t* qs = in + 16 + 32 * (j / 2);
      const size_t shift = 4 * (j % 2);
      for (size_t l = 0; l < 32; ++l) {
        x[32 * j + l] = scale * static_cast<float>(qs[l] >> shift & 15) - min;
      }
    }
  }
}

void dequantize_q5_k(const uint8_t* blocks, float* out, size_t n_blocks) {
  for (size_t block = 0; block < n_blocks; ++block) {
    const uint8_t* in = blocks + block * kQ5KBytes;
    const uint8_t* qh = in + 16;
    float* x = out + block * kSuperBlock;
    const float d = load_f16(in);
    const float dmin = load_f16(in + 2);
    for (size_t j = 0; j < 8; ++j) {
      const ScaleAndMin sub = scale_and_min(in + 4, j);
      const float scale = d * static_cast<float>(sub.scale);
      const float min = dmin * static_cast<float>(sub.min);
      const uint8_t* qs = in + 48 + 32 * (j / 2);
      const size_t shift = 4 * (j % 2);
      for (size_t l = 0; l < 32; ++l) {
        const int q = (qs[l] >> shift & 15) | (qh[l] >> j & 1) << 4;
        x[32 * j + l] = scale * static_cast<float>(q) - min;
      }
    }
  }
}

void dequantize_q6_k(const uint8_t* blocks, float* out, size_t n_blocks) {
  for (size_t block = 0; block < n_blocks; ++block) {
    const uint8_t* in = blocks + block * kQ6KBytes;
    float* x = out + block * kSuperBlock;
    const float d = load_f16(in + 208);
    for (size_t j = 0; j < 16; ++j) {
      const float scale = d * static_cast<float>(static_cast<int8_t>(in[192 + j]));
      const size_t e = 16 * j;
      const uint8_t* ql = in + 64 * (e / 128) + e % 64;
      const uint8_t* qh = in + 128 + 32 * (e / 128) + e % 32;
      const size_t low_shift = 4 * (e % 128 / 64);
      const size_t high_shift = 2 * (e % 128 / 32);
      for (size_t i = 0; i < 16; ++i) {
        const int q = (ql[i] >> low_shift & 15) | (qh[i] >> high_shift & 3) << 4;
        x[e + i] = scale * static_cast<float>(q - 32);
      }
    }
  }
}

}  // namespace tern::tensor
