// The registry of architectures: one row each. A row says which graph switches the name stands for
// and reads what the common keys do not cover.
#pragma once

#include <span>
#include <string_view>

#include "model/config.h"

namespace tern::model {

struct Architecture {
  const char* name;  // general.architecture
  /// Keys below "<name>." that configure() reads, beyond the common ones; ended by null.
  const char* const* extra_keys;
  /// Whether models of it were trained with one activation scale per token (the BitNet recipe).
  bool token_activations;
  /// Sets the graph switches of `config`, whose common fields are filled in already.
  Result<void> (*configure)(const gguf::Metadata& metadata, const Evidence& evidence,
                            Config* config);
};

std::span<const Architecture* const> all_architectures();

/// Null when tern does not know the name.
const Architecture* find_architecture(std::string_view name);

/// Reads, checks and completes the configuration of a file: common keys, the architecture's own,
/// and a refusal of every key that changes the computation in a way tern does not know. n_vocab
/// comes from the embedding. kCorrupt, kUnsupported.
Result<Config> read_config(const gguf::Reader& reader, const Architecture& arch,
                           const Evidence& evidence, const LogSink& log);

}  // namespace tern::model
