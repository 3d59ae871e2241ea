// What becomes of the matrix that gives the logits: for most models half of the bytes of a decoded
// token, so a wide one may be kept narrower in memory than in the file. A pure function.
#pragma once

#include <string>

#include "gguf/reader.h"
#include "tensor/dtype_table.h"
#include "tern/model.h"

namespace tern::model {

struct HeadChoice {
  const tensor::Format* resident = nullptr;  // dense format to requantise to; null: as stored
  std::string reason;                        // for display
  bool is_surprising = false;                // kept although kAuto would rather requantise it
};

/// kUsage naming the rule when this matrix cannot be requantised to `wanted`: it is ternary, or its
/// rows are not a multiple of the blocks. stored: [n_rows, k], of a format that is computed.
Result<HeadChoice> choose_head(const gguf::TensorInfo& stored, HeadFormat wanted);

}  // namespace tern::model
