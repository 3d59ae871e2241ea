// Ternary product over T5 tiles with vpdpbusd, for CPUs without the byte permutes of VBMI (Cascade
// Lake, Cooper Lake): digits come out by compares.
#include <immintrin.h>
#include <string.h>

#include "kernels/repeat.h"
#include "kernels/x86_avx512vnni/avx512vnni.h"

namespace tern::kernels::avx512vnni {

#include "kernels/token_blocks.h"

namespace {

constexpr int kDigitShift[kT5LineDigits] = {0, 0, 0, 0, 0};

inline void unpack(__m512i line, __m512i (&codes)[kT5LineDigits]) {
  const __m512i one = _mm512_set1_epi8(1);
  repeat<kT5LineDigits>([&](auto n) TERN_INLINE_BODY {
    const __mmask64 above_minus = _mm512_cmpgt_epi8_mask(line, _mm512_set1_epi8(-43));
    const __mmask64 above_zero = _mm512_cmpgt_epi8_mask(line, _mm512_set1_epi8(42));
    const __m512i low = _mm512_maskz_mov_epi8(above_minus, one);
    codes[n] = _mm512_mask_add_epi8(low, above_zero, low, one);
    line = _mm512_add_epi8(line, _mm512_add_epi8(line, line));
  });
}

}  // namespace

#include "kernels/x86_avx512vnni/t5_products.h"

}  // namespace tern::kernels::avx512vnni
