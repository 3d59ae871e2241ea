// BitNet graph of microsoft/bitnet-b1.58-2B-4T: sub-norms, half-split rope, squared ReLU. The first
// published file calls it bitnet-25, the later one bitnet-b1.58.
#include "model/arch/architectures.h"

namespace tern::model {
namespace {

Result<void> configure_bitnet_b158(const gguf::Metadata& /*metadata*/, const Evidence& /*evidence*/,
                                   Config* config) {
  config->rope.pairing = RopePairing::kHalfSplit;
  config->sub_norms = true;
  config->ffn_activation = FfnActivation::kSquaredRelu;
  config->ffn_activation_reason = "architecture of bitnet-b1.58-2B-4T";
  return {};
}

}  // namespace

const Architecture kArchBitnet25 = {"bitnet-25", kNoExtraKeys, true, configure_bitnet_b158};
const Architecture kArchBitnetB158 = {"bitnet-b1.58", kNoExtraKeys, true, configure_bitnet_b158};

}  // namespace tern::model
