// A dense row from one stored format to another, as a head may be at load. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_table.h"
#include "tensor/dtype_table.h"

namespace tern::model {

// Magnitudes as bit patterns of f32. Up to 65504 every format of a head has scales.
inline constexpr uint32_t kInfinityBits = 0x7f800000;
inline constexpr uint32_t kLargestRequantizedBits = 0x477fe000;

/// Decodes `row`, k elements of format `from`, and encodes them as `to`, with the bits of the two
/// formats' own functions. Returns the bit pattern of the largest magnitude, NaN above infinity;
/// beyond kLargestRequantizedBits what was written means nothing. Both formats are dense, and k is
/// a multiple of their blocks. scratch [k]; out [row_bytes(to, k)].
uint32_t requantize_row(const kernels::KernelTable& kernels, const tensor::Format& from,
                        const uint8_t* row, size_t k, const tensor::Format& to, float* scratch,
                        uint8_t* out);

}  // namespace tern::model
