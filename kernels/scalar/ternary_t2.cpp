// The specification of the ternary product over T2 tiles.
#include "kernels/scalar/scalar.h"

namespace tern::kernels::scalar {

void ternary_product_t2(const TernaryProduct& p) noexcept {
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
        int32_t isum[kTileRows] = {};
        for (size_t line = begin; line < end; ++line) {
          const uint8_t* bytes = lines + line * kLineBytes;
          const int8_t* x = p.x + token * p.x_stride + line * kLineK;
          for (size_t r = 0; r < kTileRows; ++r) {
            for (size_t j = 0; j < 4; ++j) {
              const int32_t byte = bytes[4 * r + j];
              isum[r] += (byte & 3) * x[j] + ((byte >> 2) & 3) * x[4 + j] +
                         ((byte >> 4) & 3) * x[8 + j] + (byte >> 6) * x[12 + j];
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
