// The specification of dense rows times int8 activations.
#include "kernels/dense_layout.h"
#include "kernels/half.h"
#include "kernels/scalar/scalar.h"

namespace tern::kernels::scalar {
namespace {

float load_f16(const uint8_t* p) { return f16_to_f32(static_cast<uint16_t>(p[0] | p[1] << 8)); }

// A format: elements and bytes of a block, element i of one as an integer, and its scale.

struct Q8 {
  static constexpr size_t kElems = kQ8Elems, kBytes = kQ8Bytes;
  static int32_t code(const uint8_t* block, size_t i) { return static_cast<int8_t>(block[2 + i]); }
  static float scale(const uint8_t* block, size_t) { return load_f16(block); }
};

struct Q6 {
  static constexpr size_t kElems = kQ6Elems, kBytes = kQ6Bytes;
  static int32_t code(const uint8_t* block, size_t i) {
    const int low = block[64 * (i / 128) + i % 64] >> (i % 128 / 64 * 4) & 15;
    const int high = block[kQ6High + 32 * (i / 128) + i % 32] >> (i % 128 / 32 * 2) & 3;
    return (low | high << 4) - 32;
  }
  static float scale(const uint8_t* block, size_t i) {
    return load_f16(block + kQ6Scale) *
           static_cast<float>(static_cast<int8_t>(block[kQ6Scales + i / 16]));
  }
};

template <class Format>
float row_times_token(const uint8_t* row, const int8_t* x, const float* x_scales, size_t k) {
  float sums[kPartialSums] = {};
  for (size_t i = 0; i < k; i += 4) {
    const uint8_t* block = row + i / Format::kElems * Format::kBytes;
    const size_t in_block = i % Format::kElems;
    int32_t isum = 0;
    for (size_t j = 0; j < 4; ++j) isum += Format::code(block, in_block + j) * x[i + j];
    float& sum = sums[i / 4 % kPartialSums];
    sum = sum + static_cast<float>(isum) *
                    (Format::scale(block, in_block) * x_scales[i / kDenseActGroup]);
  }
  return tree_sum(sums);
}

template <class Format>
void dense_product(const DenseI8Product& p) {
  const size_t row_bytes = p.k / Format::kElems * Format::kBytes;
  for (size_t row = 0; row < p.n_rows; ++row) {
    for (size_t token = 0; token < p.n_tokens; ++token) {
      p.y[token * p.y_stride + row] =
          row_times_token<Format>(p.rows + row * row_bytes, p.x + token * p.x_stride,
                                  p.x_scales + token * (p.k / kDenseActGroup), p.k);
    }
  }
}

}  // namespace

void dense_q8_0_i8(const DenseI8Product& product) noexcept { dense_product<Q8>(product); }
void dense_q6_k_i8(const DenseI8Product& product) noexcept { dense_product<Q6>(product); }

}  // namespace tern::kernels::scalar
