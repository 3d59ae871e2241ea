// Dense rows times int8 activations by vpdpbusd in 256-bit registers.
#include <string.h>

#include "kernels/dense_layout.h"
#include "kernels/repeat.h"
#include "kernels/x86_avx2/v16.h"
#include "kernels/x86_avxvnni/avxvnni.h"
#include "kernels/x86_dense_scales.h"

namespace tern::kernels::avxvnni {
namespace {

using namespace avx2;  // its sixteen lanes

constexpr size_t kI8Rows = 4;
constexpr size_t kI8BatchRows = 1;
constexpr size_t kI8Tokens = 4;

inline __m256i fours(__m256i start, __m256i u, __m256i x) {
  return _mm256_dpbusd_avx_epi32(start, u, x);
}

}  // namespace

#include "kernels/x86_dense_rows_i8.h"
//
#include "kernels/vector_dense_rows_i8.h"

}  // namespace tern::kernels::avxvnni
