// The specification of the ternary product over L2 tiles.
#include "kernels/scalar/scalar.h"

namespace tern::kernels::scalar {
namespace {

// What entry 3 * c0 + c1 of the table of two activations holds.
inline int32_t pair_sum(int32_t nibble, const int8_t* x) {
  return (nibble / 3 - 1) * x[0] + (nibble % 3 - 1) * x[1];
}

}  // namespace

void ternary_product_l2(const TernaryProduct& p) noexcept {
  const size_t n_tiles = (p.n_rows + kTileRows - 1) / kTileRows;
  for (size_t tile = 0; tile < n_tiles; ++tile) {
    const uint8_t* lines = p.tiles + tile * p.n_lines * kLineBytes;
    const size_t rows =
        p.n_rows - tile * kTileRows < kTileRows ? p.n_rows - tile * kTileRows : kTileRows;
    for (size_t token = 0; token < p.n_tokens; ++token) {
      float y[kTileRows] = {};
      for (size_t g = 0; g < p.n_groups; ++g) {
        const size_t begin = g * p.group_lines;
        const size_t end = p.n_lines - begin < p.group_lines ? p.n_lines : begin + p.group_lines;
        // Weights are -1, 0, 1 here: nothing is left to subtract.
        int32_t isum[kTileRows] = {};
        for (size_t line = begin; line < end; ++line) {
          const int8_t* x = p.x + token * p.x_stride + line * kLineK;
          for (size_t q = 0; q < 4; ++q) {
            const uint8_t* bytes = lines + line * kLineBytes + q * kTileRows;
            for (size_t r = 0; r < kTileRows; ++r) {
              isum[r] +=
                  pair_sum(bytes[r] & 15, x + 4 * q) + pair_sum(bytes[r] >> 4, x + 4 * q + 2);
            }
          }
        }
        const float x_scale = p.x_scales[token * p.n_groups + g];
        const float* w_scales = p.w_scales + tile * p.w_tile_stride + g * p.w_group_stride;
        for (size_t r = 0; r < kTileRows; ++r) {
          y[r] = y[r] + static_cast<float>(isum[r]) * (w_scales[r] * x_scale);
        }
      }
      float* out = p.y + token * p.y_stride + tile * kTileRows;
      for (size_t r = 0; r < rows; ++r) out[r] = y[r];
    }
  }
}

}  // namespace tern::kernels::scalar
