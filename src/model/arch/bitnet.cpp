// BitNet graph of 1bitLLM's models: sub-norms in front of attn_output and ffn_down, half-split
// rope, SiLU. Some converters also write this name for BitNet-b1.58-2B-4T, which needs squared ReLU
// (with SiLU its perplexity is 100 instead of 17), so the activation is decided by evidence.
#include "base/result.h"
#include "gguf/text.h"
#include "model/arch/architectures.h"

namespace tern::model {
namespace {

// Written by no known converter; for files that want to be explicit.
constexpr const char* kActivationKey = "bitnet.hidden_activation";
constexpr const char* kExtraKeys[] = {"hidden_activation", nullptr};

void set_activation(Config* config, FfnActivation activation, std::string reason) {
  config->ffn_activation = activation;
  config->ffn_activation_reason = std::move(reason);
}

Result<void> configure_bitnet(const gguf::Metadata& metadata, const Evidence& evidence,
                              Config* config) {
  config->rope.pairing = RopePairing::kHalfSplit;
  config->sub_norms = true;
  if (metadata.has(kActivationKey)) {
    TERN_ASSIGN_OR_RETURN(const std::string name, metadata.get_string(kActivationKey));
    if (name == "silu") {
      set_activation(config, FfnActivation::kSilu, "key bitnet.hidden_activation");
    } else if (name == "relu2") {
      set_activation(config, FfnActivation::kSquaredRelu, "key bitnet.hidden_activation");
    } else {
      return make_error(ErrorCode::kUnsupported,
                        "key {}: activation '{}' is not known (silu, relu2)", kActivationKey,
                        gguf::printable(name));
    }
  } else if (evidence.tokenizer_model == "llama") {
    set_activation(config, FfnActivation::kSilu,
                   "SentencePiece vocabulary, as 1bitLLM's models have");
  } else if (evidence.tokenizer_model == "gpt2" && evidence.n_tokens == kLlama3Tokens) {
    set_activation(config, FfnActivation::kSquaredRelu,
                   "Llama 3 vocabulary, as bitnet-b1.58-2B-4T has");
  } else if (evidence.requested == FfnActivation::kAuto) {
    return with_hint(make_error(ErrorCode::kUnsupported,
                                "architecture 'bitnet' stands for models with SiLU and for models "
                                "with squared ReLU, and "
                                "nothing in this file tells which ({} tokens, tokenizer '{}')",
                                evidence.n_tokens, gguf::printable(evidence.tokenizer_model)),
                     "say it with --ffn-act silu or --ffn-act relu2");
  }
  return {};
}

}  // namespace

const Architecture kArchBitnet = {"bitnet", kExtraKeys, true, configure_bitnet};

}  // namespace tern::model
