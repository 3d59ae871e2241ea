// Ternary product over T5 tiles with vpmaddubsw, by way of unpacked codes for any number of tokens.
#include <immintrin.h>
#include <string.h>

#include "kernels/repeat.h"
#include "kernels/x86_avx2/avx2.h"

namespace tern::kernels::avx2 {
namespace {

using V = __m256i;

// In this order.
#include "kernels/x86_avx2/code_register.h"
//
#include "kernels/x86_avx2/code_products.h"

inline void unpack_t5_line(const uint8_t* line, uint8_t* codes, size_t stride) {
  const V above_minus = _mm256_set1_epi8(-43);
  const V above_zero = _mm256_set1_epi8(42);
  for (size_t half = 0; half < 2; ++half) {
    V left = load(line + 32 * half);
    for (size_t n = 0; n < kT5LineDigits; ++n) {
      const V minus_code = _mm256_add_epi8(_mm256_cmpgt_epi8(left, above_minus),
                                           _mm256_cmpgt_epi8(left, above_zero));
      store(codes + n * stride + 32 * half, _mm256_abs_epi8(minus_code));
      left = _mm256_add_epi8(left, _mm256_add_epi8(left, left));
    }
  }
}

}  // namespace

// In this order.
#include "kernels/token_blocks.h"
//
#include "kernels/x86_sum_steps.h"
//
#include "kernels/code_loop.h"

void ternary_product_t5(const TernaryProduct& p) noexcept {
  loop_product<LoopT5<unpack_t5_line>, RunSteps<1, 2, 3, 4, 5, 6>>(p);
}

}  // namespace tern::kernels::avx2
