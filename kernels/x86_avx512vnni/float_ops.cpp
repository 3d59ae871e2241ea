// The float kernels over 16 lanes.
#include <math.h>
#include <string.h>

#include "kernels/dense_layout.h"
#include "kernels/exp_constants.h"
#include "kernels/half.h"
#include "kernels/x86_avx512vnni/avx512vnni.h"
#include "kernels/x86_avx512vnni/v16.h"

namespace tern::kernels::avx512vnni {

#include "kernels/vector_float_ops.h"

}  // namespace tern::kernels::avx512vnni
