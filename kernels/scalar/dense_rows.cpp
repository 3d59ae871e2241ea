// The specification of dense rows times float activations.
#include <string.h>

#include "kernels/dense_layout.h"
#include "kernels/half.h"
#include "kernels/scalar/scalar.h"

namespace tern::kernels::scalar {
namespace {

// Tokens that share one decoding of a block.
constexpr size_t kTokens = 4;

uint16_t load_u16(const uint8_t* p) { return static_cast<uint16_t>(p[0] | p[1] << 8); }
float load_f16(const uint8_t* p) { return f16_to_f32(load_u16(p)); }

// A format: elements and bytes of a block, and a block as floats.

struct F32 {
  static constexpr size_t kElems = 1, kBytes = 4;
  static void decode(const uint8_t* block, float* w) { memcpy(w, block, sizeof(float)); }
};

struct F16 {
  static constexpr size_t kElems = 1, kBytes = 2;
  static void decode(const uint8_t* block, float* w) { *w = load_f16(block); }
};

struct Bf16 {
  static constexpr size_t kElems = 1, kBytes = 2;
  static void decode(const uint8_t* block, float* w) { *w = bf16_to_f32(load_u16(block)); }
};

struct Q8 {
  static constexpr size_t kElems = kQ8Elems, kBytes = kQ8Bytes;
  static void decode(const uint8_t* block, float* w) {
    const float d = load_f16(block);
    for (size_t i = 0; i < kElems; ++i) {
      w[i] = d * static_cast<float>(static_cast<int8_t>(block[2 + i]));
    }
  }
};

struct Q4 {
  static constexpr size_t kElems = kQ4Elems, kBytes = kQ4Bytes;
  static void decode(const uint8_t* block, float* w) {
    const float d = load_f16(block);
    for (size_t i = 0; i < 16; ++i) {
      w[i] = d * static_cast<float>((block[2 + i] & 15) - 8);
      w[16 + i] = d * static_cast<float>((block[2 + i] >> 4) - 8);
    }
  }
};

struct Q6 {
  static constexpr size_t kElems = kQ6Elems, kBytes = kQ6Bytes;
  static void decode(const uint8_t* block, float* w) {
    const float d = load_f16(block + kQ6Scale);
    for (size_t sub = 0; sub < 16; ++sub) {
      const float scale = d * static_cast<float>(static_cast<int8_t>(block[kQ6Scales + sub]));
      const uint8_t* low = block + 64 * (sub / 8) + 16 * (sub % 4);
      const uint8_t* high = block + kQ6High + 32 * (sub / 8) + 16 * (sub % 2);
      const size_t low_shift = 4 * (sub % 8 / 4);
      const size_t high_shift = 2 * (sub % 8 / 2);
      for (size_t i = 0; i < 16; ++i) {
        const int q = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
        w[16 * sub + i] = scale * static_cast<float>(q - 32);
      }
    }
  }
};

template <class Format>
void row_times_tokens(const DenseProduct& p, size_t row, size_t token, size_t n_tokens) {
  float sums[kTokens][kPartialSums] = {};
  const uint8_t* bytes = p.rows + row * (p.k / Format::kElems * Format::kBytes);
  for (size_t begin = 0; begin < p.k; begin += Format::kElems, bytes += Format::kBytes) {
    float w[Format::kElems];
    Format::decode(bytes, w);
    for (size_t t = 0; t < n_tokens; ++t) {
      const float* x = p.x + (token + t) * p.x_stride + begin;
      for (size_t i = 0; i < Format::kElems; ++i) {
        float& sum = sums[t][(begin + i) % kPartialSums];
        sum = sum + x[i] * w[i];
      }
    }
  }
  for (size_t t = 0; t < n_tokens; ++t) {
    p.y[(token + t) * p.y_stride + row] = tree_sum(sums[t]);
  }
}

template <class Format>
void dense_product(const DenseProduct& p) {
  for (size_t row = 0; row < p.n_rows; ++row) {
    for (size_t token = 0; token < p.n_tokens; token += kTokens) {
      const size_t left = p.n_tokens - token;
      row_times_tokens<Format>(p, row, token, left < kTokens ? left : kTokens);
    }
  }
}

}  // namespace

void dense_f32(const DenseProduct& product) noexcept { dense_product<F32>(product); }
void dense_f16(const DenseProduct& product) noexcept { dense_product<F16>(product); }
void dense_bf16(const DenseProduct& product) noexcept { dense_product<Bf16>(product); }
void dense_q8_0(const DenseProduct& product) noexcept { dense_product<Q8>(product); }
void dense_q6_k(const DenseProduct& product) noexcept { dense_product<Q6>(product); }
void dense_q4_0(const DenseProduct& product) noexcept { dense_product<Q4>(product); }

}  // namespace tern::kernels::scalar
