// Attention over the 16 lanes of this set.
#include <math.h>
#include <string.h>

#include "kernels/arm_neon/neon.h"
#include "kernels/arm_neon/v16.h"
#include "kernels/exp_constants.h"
#include "kernels/half.h"

namespace tern::kernels::neon {
namespace {

// 4 chains of four of 32 registers.
constexpr int kTileQueries = 4;
constexpr int kTileGroups = 1;
constexpr int kTileVectors = 1;

}  // namespace

#include "kernels/vector_attention.h"

}  // namespace tern::kernels::neon
