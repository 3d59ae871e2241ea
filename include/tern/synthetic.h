// Random models of known shapes, made in memory: what bench measures when no file is at hand. They
// go through the loader like a file, byte for byte.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tern/engine.h"
#include "tern/error.h"
#include "tern/model.h"

namespace tern {

struct SyntheticOptions {
  std::string shape;    // one of synthetic_shapes()
  std::string weights;  // stored format of the linears, as llama.cpp names it, any case: "i2_s",
                        // "tq2_0", "pq2_0", ...; "": what files of that family have
  std::string head;     // format of the embedding and the head: "f16", "q6_k"; "": as above
  uint64_t seed = 1;
};

struct SyntheticShape {
  std::string name;         // "bitnet-2b4t"
  std::string description;  // "BitNet b1.58 2B-4T: 30 layers, 2560, ..."
};
std::vector<SyntheticShape> synthetic_shapes();

/// Builds the model with all workers; exactly ternary weights, the same for the same options.
/// kUsage (unknown shape or format, a format that cannot hold the shape, with the names there are),
/// kOutOfMemory before anything is built, with the plan's numbers, kInterrupted.
Result<std::shared_ptr<const Model>> load_synthetic(std::shared_ptr<const Engine> engine,
                                                    const SyntheticOptions& synthetic,
                                                    const LoadOptions& options = {});

}  // namespace tern
