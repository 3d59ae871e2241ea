// The float kernels over 16 lanes.
#include <math.h>
#include <string.h>

#include "kernels/dense_layout.h"
#include "kernels/exp_constants.h"
#include "kernels/half.h"
#include "kernels/x86_avx2/avx2.h"
#include "kernels/x86_avx2/v16.h"

namespace tern::kernels::avx2 {

#include "kernels/vector_float_ops.h"

}  // namespace tern::kernels::avx2
