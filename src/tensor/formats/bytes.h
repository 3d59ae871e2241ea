// Little-endian access to the unaligned fields of stored blocks. Pure functions; internal to
// formats/.
#pragma once

#include <cstdint>

#include "kernels/half.h"

namespace tern::tensor {

inline uint16_t load_u16(const uint8_t* p) { return static_cast<uint16_t>(p[0] | p[1] << 8); }

inline uint32_t load_u32(const uint8_t* p) {
  return static_cast<uint32_t>(load_u16(p)) | static_cast<uint32_t>(load_u16(p + 2)) << 16;
}

inline float load_f16(const uint8_t* p) { return kernels::f16_to_f32(load_u16(p)); }
inline float load_f32(const uint8_t* p) { return kernels::f32_from_bits(load_u32(p)); }

inline void store_u16(uint8_t* p, uint16_t value) {
  p[0] = static_cast<uint8_t>(value);
  p[1] = static_cast<uint8_t>(value >> 8);
}

inline void store_u32(uint8_t* p, uint32_t value) {
  store_u16(p, static_cast<uint16_t>(value));
  store_u16(p + 2, static_cast<uint16_t>(value >> 16));
}

inline void store_f32(uint8_t* p, float value) { store_u32(p, kernels::f32_bits(value)); }

}  // namespace tern::tensor
