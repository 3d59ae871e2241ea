// Attention over the 16 lanes of this set.
#include <math.h>
#include <string.h>

#include "kernels/exp_constants.h"
#include "kernels/half.h"
#include "kernels/x86_avx2/avx2.h"
#include "kernels/x86_avx2/v16.h"

namespace tern::kernels::avx2 {
namespace {

// 4 chains of two of 16 registers.
constexpr int kTileQueries = 4;
constexpr int kTileGroups = 1;
constexpr int kTileVectors = 1;

}  // namespace

#include "kernels/vector_attention.h"

}  // namespace tern::kernels::avx2
