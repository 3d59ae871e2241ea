#include "convert/families.h"

#include <algorithm>
#include <array>

#include "base/result.h"
#include "gguf/text.h"
#include "tern/convert.h"

namespace tern::convert {
namespace {

bool is_llama(const CheckpointConfig& config) {
  return config.model_type == "llama" || config.model_class == "LlamaForCausalLM";
}

constexpr std::array kFamilies = {
    Family{"bitnet-2b4t", "BitNet b1.58 2B-4T", "bitnet-b1.58", "relu2", false, Encoding::kOnline,
           false, "attn_sub_norm", "ffn_sub_norm", false, nullptr,
           [](const CheckpointConfig&, const CheckpointEvidence& evidence) {
             return evidence.attn_sub_norm;
           }},
    Family{"bitnet-1bitllm", "1bitLLM bitnet_b1_58", "bitnet", "silu", false, Encoding::kOnline,
           false, "inner_attn_ln", "ffn_layernorm", false, nullptr,
           [](const CheckpointConfig&, const CheckpointEvidence& evidence) {
             return evidence.inner_attn_ln;
           }},
    Family{"qwen3-ternary", "Ternary-Bonsai, unpacked", "qwen3", "silu", false,
           Encoding::kAsTheyAre, true, nullptr, nullptr, true, nullptr,
           [](const CheckpointConfig& config, const CheckpointEvidence& evidence) {
             return config.model_type == "qwen3" && evidence.head_norms;
           }},
    Family{"llama-bitnet", "Llama3-8B-1.58, Falcon3-1.58bit, Falcon-E", "llama", "silu", true,
           Encoding::kOnline, false, nullptr, nullptr, false, nullptr,
           [](const CheckpointConfig& config, const CheckpointEvidence&) {
             return is_llama(config) && config.bitnet_quantized;
           }},
    Family{"llama-ternary", "TriLM, BitCPM with the plain graph", "llama", "silu", true,
           Encoding::kAsTheyAre, true, nullptr, nullptr, false,
           "weights that the model's own code rounds when it uses them, as those of Falcon-E's "
           "revision 'prequantized', need --family llama-bitnet",
           [](const CheckpointConfig& config, const CheckpointEvidence&) {
             return is_llama(config) && !config.bitnet_quantized;
           }},
};

}  // namespace

std::span<const Family> families() { return kFamilies; }

Result<ChosenFamily> choose_family(const CheckpointConfig& config,
                                   const CheckpointEvidence& evidence, std::string_view name) {
  ChosenFamily chosen;
  if (!name.empty()) {
    const auto row = std::find_if(kFamilies.begin(), kFamilies.end(),
                                  [&](const Family& family) { return name == family.name; });
    if (row == kFamilies.end()) {
      return with_hint(make_error(ErrorCode::kUsage, "--family: '{}' is not known", name),
                       fmt::format("there are {}", fmt::join(convert_families(), ", ")));
    }
    chosen = {row, "requested"};
  } else {
    const auto row = std::find_if(kFamilies.begin(), kFamilies.end(), [&](const Family& family) {
      return family.matches(config, evidence);
    });
    if (row == kFamilies.end()) {
      return with_hint(
          make_error(ErrorCode::kUnsupported,
                     "{}: no ternary family is known with model_type '{}' "
                     "and class '{}'",
                     config.path, gguf::printable(config.model_type),
                     gguf::printable(config.model_class)),
          fmt::format("known are {}; --family overrides", fmt::join(convert_families(), ", ")));
    }
    chosen = {row,
              fmt::format("model_type {}, {}", gguf::printable(config.model_type), row->title)};
  }
  if (config.hidden_act != chosen.family->hidden_act) {
    return make_error(ErrorCode::kUnsupported, "{}: hidden_act is '{}', but {} has {}", config.path,
                      gguf::printable(config.hidden_act), chosen.family->name,
                      chosen.family->hidden_act);
  }
  return chosen;
}

}  // namespace tern::convert

namespace tern {

std::vector<std::string> convert_families() {
  std::vector<std::string> names;
  for (const convert::Family& family : convert::families()) names.emplace_back(family.name);
  return names;
}

}  // namespace tern
