// Reads the tensors of a plan and builds the run-time weights: every ternary tensor is unpacked by
// its format row and repacked once, by all workers, piece by piece, so that little more than the
// result is in memory.
#pragma once

#include "gguf/reader.h"
#include "model/tensor_plan.h"
#include "model/weights.h"
#include "tern/model.h"
#include "threading/engine_impl.h"

namespace tern::model {

struct LoadedWeights {
  Weights weights;
  ActMode act = ActMode::kToken;  // never kAuto
  std::string act_reason;
};

/// config->rope.freq_divisors is filled from the file. kCorrupt (naming tensor and block),
/// kUnsupported (weights too large for the format of the head, placement of memory that the system
/// refuses), kNotFound, kOutOfMemory, kInterrupted.
Result<LoadedWeights> load_weights(const gguf::Reader& reader, const TensorPlan& plan,
                                   bool token_activations, const EngineImpl& engine,
                                   const LoadOptions& options, Config* config);

}  // namespace tern::model
