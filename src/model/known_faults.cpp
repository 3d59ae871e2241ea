#include "model/known_faults.h"

#include <algorithm>

#include "base/result.h"
#include "chat/chat_template.h"

namespace tern::model {
namespace {

const std::string* text_of(const gguf::Metadata& metadata, const char* key) {
  const gguf::Value* value = metadata.find(key);
  return value == nullptr ? nullptr : std::get_if<std::string>(&value->data);
}

bool has_llama3_vocabulary(const gguf::Metadata& metadata) {
  const gguf::Value* tokens = metadata.find("tokenizer.ggml.tokens");
  const auto* array = tokens == nullptr ? nullptr : std::get_if<gguf::Array>(&tokens->data);
  const std::string* model = text_of(metadata, "tokenizer.ggml.model");
  return array != nullptr && array->count == kLlama3Tokens && model != nullptr && *model == "gpt2";
}

}  // namespace

std::vector<KnownFault> known_faults(const OpenModel& open) {
  std::vector<KnownFault> found;
  const gguf::Metadata& metadata = open.reader.metadata();
  const bool squared_relu = open.config.ffn_activation == FfnActivation::kSquaredRelu;
  if (std::string_view(open.arch->name) == "bitnet" && squared_relu &&
      !metadata.has("bitnet.hidden_activation")) {
    found.push_back({Fault::kArchitectureName,
                     fmt::format("architecture bitnet, which other programs compute with SiLU, is "
                                 "taken for {} with squared ReLU: {}",
                                 kSquaredReluArchitecture, open.config.ffn_activation_reason)});
  }
  if (has_llama3_vocabulary(metadata)) {
    if (!metadata.has("tokenizer.ggml.pre")) {
      found.push_back({Fault::kNoPreTokenizer,
                       fmt::format("tokenizer.ggml.pre, which is missing, is taken to be {}: the "
                                   "vocabulary is Llama 3's",
                                   kLlama3PreTokenizer)});
    }
    if (open.config.sub_norms && squared_relu && !metadata.has("tokenizer.ggml.eot_token_id")) {
      found.push_back({Fault::kNoEndOfTurn,
                       fmt::format("tokenizer.ggml.eot_token_id, which is missing, is taken to be "
                                   "{}: it ends the answers of 2B-4T",
                                   kLlama3EndOfTurn)});
    }
  }
  const std::string* chat = text_of(metadata, "tokenizer.chat_template");
  if (chat != nullptr && chat::is_known_to_be_wrong(*chat)) {
    found.push_back({Fault::kFirstTemplate,
                     "the chat template of the first 2B-4T file, which never ends an answer, gives "
                     "way to the one the model was trained with"});
  }
  const std::vector<gguf::TensorInfo>& tensors = open.reader.tensors();
  const auto n_legacy = std::count_if(tensors.begin(), tensors.end(), [](const auto& tensor) {
    return static_cast<tensor::DType>(tensor.type) == tensor::DType::kQ2_0_G128;
  });
  if (n_legacy > 0) {
    found.push_back({Fault::kQ2BlocksOf128,
                     fmt::format("{} tensors of type id 42 are taken for Q2_0 in blocks of 128, as "
                                 "their sizes say: other programs read blocks of 64",
                                 n_legacy)});
  }
  return found;
}

}  // namespace tern::model
