// The part of a TQ1_0 or PTQ1_0 block that holds trits: runs of bytes whose trit n is element
// kBytes * n + m for byte m of the run. Pure functions; internal to formats/.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/formats/trits.h"

namespace tern::tensor {

/// Decodes kBytes bytes of kTrits trits (5 or 4) to kTrits * kBytes codes. False where a byte is
/// one that no encoder makes; the codes are then meaningless.
template <size_t kBytes, size_t kTritsPerByte>
inline bool decode_trit_run(const uint8_t* __restrict in, uint8_t* __restrict codes) {
  static_assert(kTritsPerByte == 5 || kTritsPerByte == 4);
  constexpr const std::array<uint8_t, 256>& kImpossible =
      kTritsPerByte == 5 ? kTrits.impossible : kTrits.impossible_upper4;
  unsigned impossible = 0;
  for (size_t m = 0; m < kBytes; ++m) impossible |= kImpossible[in[m]];
  decode_trit_plane<kBytes>(in, codes, 1);
  decode_trit_plane<kBytes>(in, codes + kBytes, 3);
  decode_trit_plane<kBytes>(in, codes + 2 * kBytes, 9);
  decode_trit_plane<kBytes>(in, codes + 3 * kBytes, 27);
  if constexpr (kTritsPerByte == 5) decode_trit_plane<kBytes>(in, codes + 4 * kBytes, 81);
  return impossible == 0;
}

/// The inverse; absent trits are 0.
template <size_t kBytes, size_t kTritsPerByte>
inline void encode_trit_run(const uint8_t* codes, uint8_t* out) {
  for (size_t m = 0; m < kBytes; ++m) {
    unsigned value = 0;
    for (size_t n = 0; n < 5; ++n) {
      value = value * 3 + (n < kTritsPerByte ? codes[n * kBytes + m] : 0u);
    }
    out[m] = trits_to_byte(value);
  }
}

}  // namespace tern::tensor
