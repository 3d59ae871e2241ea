// The specification of the ternary product over T5 tiles.
#include "kernels/scalar/scalar.h"

namespace tern::kernels::scalar {
namespace {

// Code number n (0..4) of a byte: the int8 byte * 3^n, modulo 256, is what the digits before leave
// of it, and a third of the range belongs to each code.
inline int32_t code_of(uint8_t byte, size_t n) {
  constexpr uint32_t kPowers[kT5LineDigits] = {1, 3, 9, 27, 81};
  const auto left = static_cast<int8_t>(static_cast<uint8_t>(byte * kPowers[n]));
  return (left > -43) + (left > 42);
}

}  // namespace

void ternary_product_t5(const TernaryProduct& p) noexcept {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  for (size_t tile = 0; tile < n_tiles; ++tile) {
    const uint8_t* lines = p.tiles + tile * t5_tile_lines(p.n_lines) * kLineBytes;
    const size_t rows =
        p.n_rows - tile * kTileRows < kTileRows ? p.n_rows - tile * kTileRows : kTileRows;
    for (size_t token = 0; token < p.n_tokens; ++token) {
      float y[kTileRows] = {};
      for (size_t g = 0; g < p.n_groups; ++g) {
        const size_t begin = g * p.group_lines;
        const size_t end = p.n_lines - begin < p.group_lines ? p.n_lines : begin + p.group_lines;
        int32_t isum[kTileRows] = {};
        // Four elements along k at a time: one digit of four bytes.
        for (size_t four = 4 * begin; four < 4 * end; ++four) {
          const uint8_t* bytes = lines + four / kT5LineDigits * kLineBytes;
          const int8_t* x = p.x + token * p.x_stride + 4 * four;
          for (size_t r = 0; r < kTileRows; ++r) {
            for (size_t j = 0; j < 4; ++j) {
              isum[r] += code_of(bytes[4 * r + j], four % kT5LineDigits) * x[j];
            }
          }
        }
        const int32_t x_sum = p.x_sums[token * p.n_groups + g];
        const float x_scale = p.x_scales[token * p.n_groups + g];
        const float* w_scales = p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride;
        for (size_t r = 0; r < kTileRows; ++r) {
          y[r] = y[r] + static_cast<float>(isum[r] - x_sum) * (w_scales[r] * x_scale);
        }
      }
      float* out = p.y + token * p.y_stride + tile * kTileRows;
      for (size_t r = 0; r < rows; ++r) out[r] = y[r];
    }
  }
}

}  // namespace tern::kernels::scalar
