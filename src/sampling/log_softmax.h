// Log softmax in double with our own exp and log, so that figures agree between machines.
#pragma once

#include <span>

namespace tern {

/// log(sum(exp(logits))), summed in order of index. -inf when all are -inf or there are none.
double log_sum_exp(std::span<const float> logits);

}  // namespace tern
