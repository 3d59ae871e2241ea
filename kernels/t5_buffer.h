// Size of the buffer in which t5_loop.h keeps unpacked codes.
#pragma once

#include "kernels/kernel_table.h"

namespace tern::kernels {

inline constexpr size_t kT5BufferLines = 32;
// Of each tile: fours of k, 64 bytes each.
inline constexpr size_t kT5BufferFours = kT5BufferLines * kT5LineDigits;

}  // namespace tern::kernels
