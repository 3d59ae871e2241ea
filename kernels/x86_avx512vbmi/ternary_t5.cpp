// Ternary product over T5 tiles with vpdpbusd; digits come out by vpermi2b, which looks up 128
// bytes at once. The negative byte has the negative weights, so 128 entries serve all bytes: the
// entry of the absolute value, and where the byte is negative 2 minus each code.
#include <immintrin.h>
#include <string.h>

#include "kernels/repeat.h"
#include "kernels/x86_avx512vbmi/avx512vbmi.h"

namespace tern::kernels::avx512vbmi {

#include "kernels/token_blocks.h"

namespace {

struct Tables {
  // Of byte b: digit 0, and digits 1 to 4 as fields of two bits, the first lowest.
  uint8_t first[128], others[128];
};

constexpr unsigned code_of(unsigned byte, unsigned power) {
  const unsigned left = byte * power & 0xffu;  // of an int8: above -43, above 42
  return (left > 0xd5u || left < 0x80u ? 1u : 0u) + (left > 42u && left < 0x80u ? 1u : 0u);
}

constexpr Tables make_tables() {
  Tables tables = {};
  for (unsigned b = 0; b < 128; ++b) {
    tables.first[b] = static_cast<uint8_t>(code_of(b, 1));
    tables.others[b] = static_cast<uint8_t>(code_of(b, 3) | code_of(b, 9) << 2 |
                                            code_of(b, 27) << 4 | code_of(b, 81) << 6);
  }
  return tables;
}

alignas(64) constexpr Tables kTables = make_tables();

// The table of digits 1 to 4 gives all four at once.
constexpr int kDigitShift[kT5LineDigits] = {0, 0, 2, 4, 6};

inline void unpack(__m512i line, __m512i (&codes)[kT5LineDigits]) {
  const __m512i index = _mm512_abs_epi8(line);
  const __mmask64 negative = _mm512_movepi8_mask(line);
  const __m512i first = _mm512_permutex2var_epi8(_mm512_load_si512(kTables.first), index,
                                                 _mm512_load_si512(kTables.first + 64));
  const __m512i others = _mm512_permutex2var_epi8(_mm512_load_si512(kTables.others), index,
                                                  _mm512_load_si512(kTables.others + 64));
  const __m512i fields =
      _mm512_mask_sub_epi8(others, negative, _mm512_set1_epi8(static_cast<char>(0xaa)), others);
  codes[0] = _mm512_mask_sub_epi8(first, negative, _mm512_set1_epi8(2), first);
  codes[1] = _mm512_and_si512(fields, _mm512_set1_epi8(0x03));
  codes[2] = _mm512_and_si512(fields, _mm512_set1_epi8(0x0c));
  codes[3] = _mm512_and_si512(fields, _mm512_set1_epi8(0x30));
  codes[4] = _mm512_and_si512(fields, _mm512_set1_epi8(static_cast<char>(0xc0)));
}

}  // namespace

#include "kernels/x86_avx512vnni/t5_products.h"

}  // namespace tern::kernels::avx512vbmi
