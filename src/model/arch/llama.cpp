// Llama graph: Llama3-8B-1.58, Falcon3-1.58bit, Falcon-E, TriLM and ordinary Llama models.
// Converters permute the rows of Q and K for this name, so rotations turn adjacent pairs.
#include "model/arch/architectures.h"

namespace tern::model {
namespace {

Result<void> configure_llama(const gguf::Metadata& /*metadata*/, const Evidence& /*evidence*/,
                             Config* config) {
  config->rope.pairing = RopePairing::kAdjacent;
  config->ffn_activation = FfnActivation::kSilu;
  config->ffn_activation_reason = "architecture llama";
  return {};
}

}  // namespace

const Architecture kArchLlama = {"llama", kNoExtraKeys, false, configure_llama};

}  // namespace tern::model
