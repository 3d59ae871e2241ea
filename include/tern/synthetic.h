// Random models of known shapes, made in memory: what bench measures when no file is at hand. They
// go through the loader like a file, byte for byte. Plain values and functions; any thread.
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
  std::string shape;  // one of synthetic_shapes()
  /// Stored format of the linears, as llama.cpp names it, in any case: "i2_s", "tq2_0", "pq2_0".
  /// "": what files of that family have. Codes and scales do not depend on it (of IQ2_BN_R4 they
  /// do), but a format that holds fewer scales than the family has gets as many as it holds.
  std::string weights;
  /// Stored format of the embedding and, where the shape has one of its own, of the head: any dense
  /// or ternary format. "": what files of that family have, which for Bonsai is that of the
  /// linears.
  std::string head;
  uint64_t seed = 1;
};

struct SyntheticShape {
  std::string name;         // "bitnet-2b4t"
  std::string description;  // "BitNet b1.58 2B-4T: 30 layers of 2560, ...; I2_S, tied head F16"
};
std::vector<SyntheticShape> synthetic_shapes();

/// Makes the model with all workers; exactly ternary weights, on every machine the same for the
/// same options. Its vocabulary is as large as the shape's but made up: bytes and numbered words.
/// ModelInfo.path is "synthetic:" and the shape, file_bytes what the file would take.
/// LoadOptions.i2s_arm_layout has I2_S written and read in that packing. Errors: kUsage (unknown
/// shape or format, a format that cannot hold the shape; the hint names those there are),
/// kOutOfMemory before anything is built, with the plan's numbers, kInterrupted.
Result<std::shared_ptr<const Model>> load_synthetic(std::shared_ptr<const Engine> engine,
                                                    const SyntheticOptions& synthetic,
                                                    const LoadOptions& options = {});

}  // namespace tern
