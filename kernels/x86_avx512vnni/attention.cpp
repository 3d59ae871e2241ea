// Attention over the 16 lanes of this set.
#include <math.h>
#include <string.h>

#include "kernels/exp_constants.h"
#include "kernels/half.h"
#include "kernels/x86_avx512vnni/avx512vnni.h"
#include "kernels/x86_avx512vnni/v16.h"

namespace tern::kernels::avx512vnni {
namespace {

// 16 chains of 32 registers.
constexpr int kTileQueries = 8;
constexpr int kTileGroups = 2;
constexpr int kTileVectors = 2;

}  // namespace

#include "kernels/vector_attention.h"

}  // namespace tern::kernels::avx512vnni
