// Sizes of the blocks that dense rows are made of; README.md draws them. Plain formats have blocks
// of one element.
#pragma once

#include <stddef.h>

namespace tern::kernels {

inline constexpr size_t kQ8Elems = 32;  // f16 d, then 32 int8 q: d * q
inline constexpr size_t kQ8Bytes = 34;
inline constexpr size_t kQ4Elems = 32;  // f16 d, then 16 bytes of two q: d * (q - 8)
inline constexpr size_t kQ4Bytes = 18;
inline constexpr size_t kQ6Elems = 256;  // 4-bit parts, 2-bit parts, 16 int8 scales, f16 d
inline constexpr size_t kQ6Bytes = 210;
inline constexpr size_t kQ6High = 128;    // offset of the 2-bit parts
inline constexpr size_t kQ6Scales = 192;  // offset of the scales
inline constexpr size_t kQ6Scale = 208;   // offset of d

}  // namespace tern::kernels
