// The float kernels over 16 lanes.
#include <math.h>
#include <string.h>

#include "kernels/arm_neon/neon.h"
#include "kernels/arm_neon/v16.h"
#include "kernels/dense_layout.h"
#include "kernels/exp_constants.h"
#include "kernels/half.h"

namespace tern::kernels::neon {

#include "kernels/vector_float_ops.h"

}  // namespace tern::kernels::neon
