// The error for numbers that are none: what a pass finds out once one of its checks has failed, by
// looking at everything that is still there. Free functions; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "tern/error.h"

namespace tern::model {

/// Numbers that a failed one depends on.
struct Suspect {
  const float* values;
  size_t n;
  std::string name;  // "the product of blk.3.attn_q.weight"
};

/// kUnsupported: "`what` is not finite at position `position`: ..." and the first of the suspects
/// that holds a NaN or infinity; `otherwise` where all are numbers.
Error not_finite(std::string_view what, size_t position, std::span<const Suspect> suspects,
                 std::string_view otherwise);

/// kUnsupported: `what` (a key or value) at a position holds numbers that a cache of f16 does not,
/// or that are none.
Error not_for_cache(std::string_view what, size_t position, const Suspect& product);

}  // namespace tern::model
