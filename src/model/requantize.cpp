#include "model/requantize.h"

#include <algorithm>

#include "kernels/half.h"

namespace tern::model {

using tensor::DType;

uint32_t requantize_row(const kernels::KernelTable& kernels, const tensor::Format& from,
                        const uint8_t* row, size_t k, const tensor::Format& to, float* scratch,
                        uint8_t* out) {
  // The pair that matters, F16 to Q8_0, goes through kernels; the others through their formats.
  if (from.dtype == DType::kF16) {
    kernels.f16_to_f32(reinterpret_cast<const uint16_t*>(row), scratch, k);
  } else {
    from.dequantize(row, scratch, k / from.block_elems);
  }
  if (to.dtype == DType::kQ8_0) return kernels.quantize_q8_0(scratch, out, k);
  uint32_t largest = 0;
  for (size_t i = 0; i < k; ++i) {
    largest = std::max(largest, kernels::f32_bits(scratch[i]) & 0x7fffffffu);
  }
  // Encoders take finite numbers only.
  if (largest <= kLargestRequantizedBits) to.quantize(scratch, out, k / to.block_elems);
  return largest;
}

}  // namespace tern::model
