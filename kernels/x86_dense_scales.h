// How the x86 sets come to the f16 scales in front of the blocks of several rows. Everything is in
// an unnamed namespace, as each ISA needs a copy of its own.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace tern::kernels {
namespace {

// The same address, of which the compiler does not know what it stored there: so that it reads the
// values back, with a broadcast for nothing, where it would spend shuffles on the registers they
// came from.
template <class T>
inline const T* reread(const T* p) {
  __asm__("" : "+r"(p));
  return p;
}

// The f16 in front of n_rows blocks, side by side, zeros up to four of them. Gathered in integer
// registers, which have nothing else to do here: one conversion for four rows instead of a
// broadcast and a conversion for each.
template <size_t n_rows>
inline int64_t gather_scales(const uint8_t* block, size_t stride) {
  static_assert(n_rows == 1 || n_rows == 4, "as many as fit 64 bits");
  uint64_t halves = 0;
  for (size_t r = 0; r < n_rows; ++r) {
    uint16_t half;
    memcpy(&half, block + r * stride, sizeof(half));
    halves |= static_cast<uint64_t>(half) << (16 * r);
  }
  // GCC would take the halves of two gathers to vector registers one by one.
  __asm__("" : "+r"(halves));
  return static_cast<int64_t>(halves);
}

}  // namespace
}  // namespace tern::kernels
