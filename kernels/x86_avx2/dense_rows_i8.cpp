// Dense rows times int8 activations by vpmaddubsw.
#include <string.h>

#include "kernels/dense_layout.h"
#include "kernels/repeat.h"
#include "kernels/x86_avx2/avx2.h"
#include "kernels/x86_avx2/v16.h"
#include "kernels/x86_dense_scales.h"

namespace tern::kernels::avx2 {
namespace {

constexpr size_t kI8Rows = 4;
constexpr size_t kI8BatchRows = 1;
constexpr size_t kI8Tokens = 4;

inline __m256i fours(__m256i start, __m256i u, __m256i x) {
  const __m256i pairs = _mm256_maddubs_epi16(u, x);
  return _mm256_add_epi32(start, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

}  // namespace

#include "kernels/x86_dense_rows_i8.h"
//
#include "kernels/vector_dense_rows_i8.h"

}  // namespace tern::kernels::avx2
