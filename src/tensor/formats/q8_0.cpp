#include "tensor/formats/q8_0.h"

#include <algorithm>
#include <cmath>

#include "tensor/formats/bytes.h"
#include "tensor/formats/rounding.h"

namespace tern::tensor {
namespace {

constexpr size_t kQ8Elems = 32;
constexpr size_t kBytes = 34;

}  // namespace

void dequantize_q8_0(const uint8_t* blocks, float* out, size_t n_blocks) {
  for (size_t block = 0; block < n_blocks; ++block) {
    const uint8_t* in = blocks + block * kBytes;
    float* x = out + block * kQ8Elems;
    const float d = load_f16(in);
    for (size_t j = 0; j < kQ8Elems; ++j) {
      x[j] = d * static_cast<float>(static_cast<int8_t>(in[2 + j]));
    }
  }
}

void quantize_q8_0(const float* in, uint8_t* blocks, size_t n_blocks) {
  for (size_t block = 0; block < n_blocks; ++block) {
    const float* x = in + block * kQ8Elems;
    uint8_t* out = blocks + block * kBytes;
    float absmax = 0.0f;
    for (size_t j = 0; j < kQ8Elems; ++j) absmax = std::max(absmax, std::fabs(x[j]));
    store_u16(out, finite_f16(absmax / 127.0f));
    // Rounding against the stored scale, not the one before f16, halves the worst error.
    const float d = load_f16(out);
    for (size_t j = 0; j < kQ8Elems; ++j) {
      const int q = d == 0.0f ? 0 : round_clamped(x[j] / d, -127, 127);
      out[2 + j] = static_cast<uint8_t>(q);
    }
  }
}

}  // namespace tern::tensor
