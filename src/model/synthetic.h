// Random models as GGUF files that are never stored: a real header, data made by position when the
// loader's workers read them. Everything behind opening a file - plan, memory check, repacking,
// progress, interrupt - is the ordinary loader's.
#pragma once

#include <memory>
#include <string>

#include "gguf/reader.h"
#include "tern/synthetic.h"

namespace tern::model {

/// Smaller sizes than the shape has, so that tests can run every shape's graph; 0: as the shape has
/// it. Architecture, heads and formats stay.
struct SyntheticSize {
  int n_layer = 0, n_embd = 0, n_ff = 0, n_vocab = 0;
};

/// What stands for the path of the file: "synthetic:bitnet-2b4t".
std::string synthetic_path(const SyntheticOptions& options);

/// The file of a random model, opened. `load` says how I2_S is packed and takes the reader's log.
/// kUsage: see load_synthetic().
Result<gguf::Reader> open_synthetic(const SyntheticOptions& options, const LoadOptions& load,
                                    const SyntheticSize& size = {});

/// tern::load_synthetic() in another size.
Result<std::shared_ptr<const Model>> load_synthetic_of_size(std::shared_ptr<const Engine> engine,
                                                            const SyntheticOptions& options,
                                                            const LoadOptions& load,
                                                            const SyntheticSize& size);

}  // namespace tern::model
