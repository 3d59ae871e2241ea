// Five ternary digits ("trits") in one byte, as TQ1_0, PTQ1_0 and IQ1_BN store them. A number v in
// 0..242 of five base-3 digits becomes ceil(256 * v / 243): the fraction v / 243 in 8 bits, rounded
// up, so that each multiplication by 3 pushes the next digit, most significant first, out at the
// top. 243 of the 256 byte values occur; the other 13, and those whose fifth digit is set where
// only four are stored, are not made by any encoder. Constant tables; internal to formats/.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tern::tensor {

/// The stored byte of a five-digit number. REQUIRES: value <= 242.
constexpr uint8_t trits_to_byte(unsigned value) {
  return static_cast<uint8_t>((value * 256 + 242) / 243);
}

struct TritTable {
  std::array<uint8_t, 256> impossible{};  // 1 for the 13 bytes that hold no five digits
  // 1 also for bytes whose last digit in the order of the format is not 0. TQ1_0 and PTQ1_0 store
  // four digits as the four most significant ones, IQ1_BN as the four least significant ones.
  std::array<uint8_t, 256> impossible_upper4{};
  std::array<uint8_t, 256> impossible_lower4{};
  // Digits of a byte, least significant first, padded to 8 so that a row is copied by one 64-bit
  // store.
  std::array<std::array<uint8_t, 8>, 256> digits_low_first{};
};

constexpr TritTable make_trit_table() {
  TritTable table;
  table.impossible.fill(1);
  table.impossible_upper4.fill(1);
  table.impossible_lower4.fill(1);
  for (unsigned value = 0; value < 243; ++value) {
    const uint8_t byte = trits_to_byte(value);
    table.impossible[byte] = 0;
    if (value % 3 == 0) table.impossible_upper4[byte] = 0;
    if (value < 81) table.impossible_lower4[byte] = 0;
    unsigned rest = value;
    for (unsigned digit = 0; digit < 5; ++digit) {
      table.digits_low_first[byte][digit] = static_cast<uint8_t>(rest % 3);
      rest /= 3;
    }
  }
  return table;
}

inline constexpr TritTable kTrits = make_trit_table();

/// Digit n (0 = most significant) of n_bytes bytes: out[m] = digit n of in[m]. power = 3^n. The
/// product must wrap at 8 bits: what is lost are the digits above.
template <size_t kBytes>
inline void decode_trit_plane(const uint8_t* __restrict in, uint8_t* __restrict out,
                              uint8_t power) {
  for (size_t m = 0; m < kBytes; ++m) {
    const uint8_t fraction = static_cast<uint8_t>(in[m] * power);
    out[m] = static_cast<uint8_t>((fraction * 3u) >> 8);
  }
}

}  // namespace tern::tensor
