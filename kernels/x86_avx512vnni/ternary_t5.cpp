// Ternary product over T5 tiles with vpdpbusd, for CPUs without the byte permutes of VBMI (Cascade
// Lake, Cooper Lake): digits come out by compares.
#include <immintrin.h>
#include <string.h>

#include "kernels/t5_buffer.h"
#include "kernels/x86_avx512vnni/avx512vnni.h"

namespace tern::kernels::avx512vnni {
namespace {

#include "kernels/x86_avx512vnni/t5_dot.h"

inline void unpack_line(const uint8_t* line, uint8_t* codes) {
  constexpr size_t kPrefetchBytes = 2048;
  _mm_prefetch(reinterpret_cast<const char*>(line + kPrefetchBytes), _MM_HINT_T0);
  const __m512i one = _mm512_set1_epi8(1);
  __m512i left = _mm512_load_si512(line);
  for (size_t n = 0; n < kT5LineDigits; ++n) {
    const __mmask64 above_minus = _mm512_cmpgt_epi8_mask(left, _mm512_set1_epi8(-43));
    const __mmask64 above_zero = _mm512_cmpgt_epi8_mask(left, _mm512_set1_epi8(42));
    const __m512i low = _mm512_maskz_mov_epi8(above_minus, one);
    _mm512_store_si512(codes + n * kLineBytes, _mm512_mask_add_epi8(low, above_zero, low, one));
    left = _mm512_add_epi8(left, _mm512_add_epi8(left, left));
  }
}

}  // namespace

#include "kernels/t5_loop.h"

}  // namespace tern::kernels::avx512vnni
