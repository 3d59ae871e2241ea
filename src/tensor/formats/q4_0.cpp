#include "tensor/formats/q4_0.h"

#include <array>
#include <cmath>

#include "tensor/formats/bytes.h"
#include "tensor/formats/rounding.h"

namespace tern::tensor {
namespace {

constexpr size_t kQ4Elems = 32;
constexpr size_t kQ4Bytes = 18;
constexpr size_t kQ5Bytes = 22;

// Writes the scale of one block to `scale` and gives q in [0, 2 * half_range) for x = d * (q -
// half_range).
std::array<unsigned, kQ4Elems> quantize_block(const float* x, int half_range, uint8_t* scale) {
  float peak = 0.0f;
  for (size_t j = 0; j < kQ4Elems; ++j) {
    if (std::fabs(x[j]) > std::fabs(peak)) peak = x[j];
  }
  store_u16(scale, finite_f16(peak / static_cast<float>(-half_range)));
  const float d = load_f16(scale);
  std::array<unsigned, kQ4Elems> q;
  for (size_t j = 0; j < kQ4Elems; ++j) {
    const int level = d == 0.0f ? 0 : round_clamped(x[j] / d, -half_range, half_range - 1);
    q[j] = static_cast<unsigned>(level + half_range);
  }
  return q;
}

}  // namespace

void dequantize_q4_0(const uint8_t* blocks, float* out, size_t n_blocks) {
  for (size_t block = 0; block < n_blocks; ++block) {
    const uint8_t* in = blocks + block * kQ4Bytes;
    float* x = out + block * kQ4Elems;
    const float d = load_f16(in);
    for (size_t j = 0; j < 16; ++j) {
      x[j] = d * static_cast<float>((in[2 + j] & 15) - 8);
      x[16 + j] = d * static_cast<float>((in[2 + j] >> 4) - 8);
    }
  }
}

void dequantize_q5_0(const uint8_t* blocks, float* out, size_t n_blocks) {
  for (size_t block = 0; block < n_blocks; ++block) {
    const uint8_t* in = blocks + block * kQ5Bytes;
    float* x = out + block * kQ4Elems;
    const float d = load_f16(in);
    const uint32_t high = load_u32(in + 2);
    for (size_t j = 0; j < 16; ++j) {
      const int low_q = static_cast<int>((in[6 + j] & 15u) | (high >> j & 1) << 4);
      const int high_q = static_cast<int>((in[6 + j] >> 4 & 15u) | (high >> (16 + j) & 1) << 4);
      x[j] = d * static_cast<float>(low_q - 16);
      x[16 + j] = d * static_cast<float>(high_q - 16);
    }
  }
}

void quantize_q4_0(const float* in, uint8_t* blocks, size_t n_blocks) {
  for (size_t block = 0; block < n_blocks; ++block) {
    uint8_t* out = blocks + block * kQ4Bytes;
    const std::array<unsigned, kQ4Elems> q = quantize_block(in + block * kQ4Elems, 8, out);
    for (size_t j = 0; j < 16; ++j) out[2 + j] = static_cast<uint8_t>(q[j] | q[16 + j] << 4);
  }
}

void quantize_q5_0(const float* in, uint8_t* blocks, size_t n_blocks) {
  for (size_t block = 0; block < n_blocks; ++block) {
    uint8_t* out = blocks + block * kQ5Bytes;
    const std::array<unsigned, kQ4Elems> q = quantize_block(in + block * kQ4Elems, 16, out);
    uint32_t high = 0;
    for (size_t j = 0; j < kQ4Elems; ++j) high |= (q[j] >> 4) << j;
    store_u32(out + 2, high);
    for (size_t j = 0; j < 16; ++j) {
      out[6 + j] = static_cast<uint8_t>((q[j] & 15) | (q[16 + j] & 15) << 4);
    }
  }
}

}  // namespace tern::tensor
