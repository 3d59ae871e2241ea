// Qwen3 graph: Ternary-Bonsai 1.7B, 4B and 8B. Every query and key head is normalised before rope;
// head_dim is a key of its own.
#include "base/result.h"
#include "model/arch/architectures.h"

namespace tern::model {
namespace {

Result<void> configure_qwen3(const gguf::Metadata& metadata, const Evidence& /*evidence*/,
                             Config* config) {
  if (!metadata.has("qwen3.attention.key_length")) {
    return make_error(ErrorCode::kCorrupt,
                      "key qwen3.attention.key_length is missing; this architecture needs it");
  }
  config->rope.pairing = RopePairing::kHalfSplit;
  config->head_norms = true;
  config->ffn_activation = FfnActivation::kSilu;
  config->ffn_activation_reason = "architecture qwen3";
  return {};
}

}  // namespace

const Architecture kArchQwen3 = {"qwen3", kNoExtraKeys, false, configure_qwen3};

}  // namespace tern::model
